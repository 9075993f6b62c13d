/**
 * Settings of the allocator for eager PyTorch: large arrays in huge pages of one heap. Without them page faults make it two
 * to four times slower, which is no fair peer.
 */
export const PEER_ALLOCATOR = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '1099511627776',
  MALLOC_TOP_PAD_: '1073741824',
} as const;
