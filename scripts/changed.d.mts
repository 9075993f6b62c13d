/** Hash of what a build reads. @param root folder of the checkout */
export function sourceHash(root: string): string;
/** Whether dist/ is what the sources give. */
export function isBuilt(root: string): boolean;
/** Notes that dist/ is what the sources give. */
export function noteBuild(root: string): void;
