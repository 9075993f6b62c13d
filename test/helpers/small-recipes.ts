const BACKBONE = ['depths=[1,1,1,1]', 'dims=[8,16,24,32]'].map((s) => `backbone.${s}`);

/** Recipes and the settings that make them small, for images of 64 px: what is tested does not depend on the size of a model. */
export const SMALL_RECIPES = {
  classify: {
    recipe: 'classify',
    settings: [...BACKBONE, 'training.inputSize=32', 'evaluation.inputSize=32'],
  },
  detect: {
    recipe: 'detect',
    settings: [
      ...BACKBONE,
      'detector.channels=16',
      ...['training.scales.shortSides=[64]', 'training.scales.longSide=64'],
      ...['training.scales.crop.shortSides=[64]', 'training.scales.crop.sides=[64,64]'],
      ...['evaluation.limits.long=64', 'evaluation.limits.short=64'],
    ],
  },
  segment: {
    recipe: 'segment-finetune',
    settings: [
      ...BACKBONE,
      ...['head.channels=16', 'head.auxiliary.channels=8'],
      ...['geometry.cropSize=64', 'geometry.scale.short=64', 'geometry.ratio=[1,1.5]'],
      ...['evaluation.limits.long=64', 'evaluation.limits.short=64'],
    ],
  },
} as const;
