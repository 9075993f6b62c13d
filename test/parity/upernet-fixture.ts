import { join } from 'node:path';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { createUperNet, UPERNET, type UperNet } from '../../models/upernet.js';
import { readTensors, type Fixture, type FixtureTensor } from '../helpers/fixtures.js';
import { fillStore, toNhwc } from '../helpers/layout.js';

/** JSON of a UPerNet fixture. */
export interface UperNetJson {
  readonly config: {
    readonly backbone: Pick<ConvNeXtV2Config, 'depths' | 'dims'>;
    readonly channels: number;
    /** Absent where only the decode head is used. */
    readonly aux_channels?: number;
    readonly num_classes: number;
    readonly pool_scales?: readonly number[];
    readonly bn?: { readonly eps: number; readonly momentum: number };
    readonly crop?: number;
    readonly stride?: number;
    readonly rescaled_size?: readonly [number, number];
  };
  readonly weights: string;
  readonly tolerance: readonly string[];
  readonly pixels_with_top2_gap_below_1e5?: Readonly<Record<string, number>>;
  readonly windows_y1x1y2x2?: readonly (readonly [number, number, number, number])[];
}

/** The model of a fixture with its weights; what `weights` holds of the auxiliary head tells its width. */
export function fixtureModel({ json, folder }: Fixture<UperNetJson>): {
  readonly model: UperNet;
  readonly store: ParameterStore;
  readonly weights: string;
} {
  const weights = join(folder, json.weights);
  const tensors = readTensors(weights);
  const { backbone, channels, num_classes, pool_scales } = json.config;
  const auxiliary = tensors.get('auxiliary_head.conv_seg.weight');
  if (!auxiliary) throw new Error(`${weights}: expected an auxiliary head`);
  const model = createUperNet(createDenseBackbone({ ...backbone, responseNorm: 'grn' }), {
    numClasses: num_classes,
    channels,
    poolScales: pool_scales ?? UPERNET.poolScales,
    auxiliary: { channels: auxiliary.shape[1], weight: UPERNET.auxiliary.weight },
  });
  const store = new ParameterStore(model.specs);
  fillStore(store, tensors);
  return { model, store, weights };
}

/** A stored image, `value = (u8 − 128) / 32`, as `[N, H, W, 3]`. */
export function fixtureImage(tensor: FixtureTensor): {
  readonly shape: readonly number[];
  readonly data: Float32Array;
} {
  const [n, c, h, w] = tensor.shape;
  return { shape: [n, h, w, c], data: toNhwc(tensor).map((value) => (value - 128) / 32) };
}
