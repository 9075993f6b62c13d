import { describe, expect, test } from 'vitest';
import type { ParameterLayout } from '../../engine/parameters/spec.js';
import {
  groupParameters,
  type LayerRule,
  type NamedParameter,
  type ParameterGroupConfig,
} from '../../train/parameter-groups.js';
import { discoverFixtures } from '../helpers/fixtures.js';

interface RecipeFixture {
  readonly layer_decay?: number;
  readonly num_layers?: number;
  readonly weight_decay: number;
  readonly lr_scale_by_layer_id: readonly number[] | null;
  /** Name → layer id (null without layer decay) and 1 where weight decay applies. */
  readonly params: Readonly<Record<string, readonly [number | null, 0 | 1]>>;
}
interface Json {
  readonly models: Readonly<Record<string, Readonly<Record<string, RecipeFixture>>>>;
}

/** The fixture's recipe names and what this library calls them. */
function configOf(recipe: string, fixture: RecipeFixture): ParameterGroupConfig {
  const layerDecay = fixture.layer_decay ?? NaN;
  const numLayers = fixture.num_layers ?? NaN;
  const rules: Readonly<Record<string, readonly [LayerRule, decayGrn: boolean]>> = {
    cls_single: [{ kind: 'single', layerDecay }, false],
    cls_group: [{ kind: 'group', layerDecay }, false],
    det_layer_wise: [{ kind: 'layerWise', layerDecay, numLayers }, true],
    seg_stage_wise: [{ kind: 'stageWise', layerDecay, numLayers }, true],
    pretrain: [{ kind: 'uniform' }, true],
  };
  if (!(recipe in rules)) throw new Error(`unknown recipe ${recipe} in the fixture`);
  const [layers, decayGrn] = rules[recipe];
  return { layers, weightDecay: fixture.weight_decay, decayGrn };
}

/** The fixture has names only: layouts as our models hold these parameters, by the kind of layer. */
function layoutOf(path: string): ParameterLayout {
  const norm =
    /(^|\.)(norm\d?|ln|bn)\.(weight|bias)$/.test(path) ||
    /downsample_layers\.(0\.1|[1-9]\.0)\.(weight|bias)$/.test(path);
  if (norm || /(\.(bias|gamma|beta)|mask_token)$/.test(path)) return 'vector';
  if (/dwconv/.test(path)) return 'depthwise';
  return /(pwconv\d|head|fc_cls|fc_reg|shared_fcs)/.test(path) ? 'linear' : 'conv';
}

const shapes: Readonly<Record<ParameterLayout, readonly number[]>> = {
  vector: [8],
  linear: [8, 8],
  conv: [3, 3, 8, 8],
  depthwise: [7, 7, 8, 1],
  convTranspose: [2, 2, 8, 8],
};
const namedParameter = (path: string): NamedParameter => {
  const layout = layoutOf(path);
  return { path, spec: { layout, shape: shapes[layout] } };
};

const cases = discoverFixtures<Json>('param_groups').flatMap(({ name, json }) =>
  Object.entries(json.models).flatMap(([model, recipes]) =>
    Object.entries(recipes).map(([recipe, fixture]) => ({ name, model, recipe, fixture })),
  ),
);

describe.each(cases)('$name: $model $recipe', ({ recipe, fixture }) => {
  test('layer ids, decay flags and factors equal the originals exactly', () => {
    const paths = Object.keys(fixture.params);
    const groups = groupParameters(paths.map(namedParameter), configOf(recipe, fixture));
    const scaleOf = (id: number | null): number =>
      id === null ? 1 : (fixture.lr_scale_by_layer_id ?? [])[id];
    expect(groups).toEqual(
      paths.map((path) => {
        const [layerId, decays] = fixture.params[path];
        return {
          path,
          layerId,
          decays: decays === 1,
          lrScale: scaleOf(layerId),
          weightDecay: decays * fixture.weight_decay,
        };
      }),
    );
  });
});
