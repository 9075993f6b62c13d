import tseslint from 'typescript-eslint';
import vitest from '@vitest/eslint-plugin';

const SPREAD_OBJECT = {
  selector: 'SpreadElement > ObjectExpression',
  message: 'Properties of an object are written into it, not spread.',
};
const SKIP_WITHOUT_REASON = {
  selector: 'MemberExpression[property.name=/^(skipIf|runIf)$/]',
  message: 'Tests are left out with a reason (test/helpers/leave-out.ts), which the run counts.',
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'runs/**', 'test/fixtures/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      // Cycles are found by test/architecture.test.ts.
      'no-restricted-exports': [
        'error',
        { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } },
      ],
      'no-restricted-syntax': ['error', SPREAD_OBJECT],
      'no-console': 'error',
    },
  },
  {
    files: ['tools/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'scripts/**'],
    rules: { 'no-console': 'off' },
  },
  { files: ['vitest*.config.ts'], rules: { 'no-restricted-exports': 'off' } },
  {
    files: ['test/**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', SPREAD_OBJECT, SKIP_WITHOUT_REASON] },
  },
  {
    files: ['test/**/*.ts'],
    plugins: { vitest },
    rules: {
      'vitest/expect-expect': [
        'error',
        { assertFunctionNames: ['expect*', 'assert*', 'fc.assert'] },
      ],
      'no-console': 'off',
    },
  },
);
