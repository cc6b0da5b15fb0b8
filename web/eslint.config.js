import js from '@eslint/js'
import tseslint from 'typescript-eslint'

// Attacker-made text is only ever set as text: nothing that parses markup or code may be used.
const MARKUP = 'Text is set as text: use children or textContent.'
const forbidden = [
  ...['innerHTML', 'outerHTML', 'dangerouslySetInnerHTML', 'srcdoc', 'srcDoc'].flatMap((name) => [
    { selector: `MemberExpression[property.name='${name}']`, message: MARKUP },
    { selector: `MemberExpression[property.value='${name}']`, message: MARKUP },
    { selector: `Property[key.name='${name}']`, message: MARKUP },
    { selector: `JSXAttribute[name.name='${name}']`, message: MARKUP },
  ]),
  ...['insertAdjacentHTML', 'createContextualFragment', 'parseFromString', 'setHTMLUnsafe'].map(
    (name) => ({ selector: `CallExpression[callee.property.name='${name}']`, message: MARKUP }),
  ),
  { selector: "CallExpression[callee.object.name='document'][callee.property.name=/^writeln?$/]", message: MARKUP },
  { selector: "Literal[value=/^\\s*javascript:/i]", message: 'No scripts in addresses.' },
]

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-syntax': ['error', ...forbidden],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-script-url': 'error',
      'max-lines': ['error', { max: 800 }],
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    // Columns: whether an index lies within is proved where they are read, not at every access.
    files: ['src/worker/**', 'src/search/**', 'tests/**', 'src/**/*.test.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/prefer-for-of': 'off' },
  },
  { files: ['*.js'], extends: [tseslint.configs.disableTypeChecked] },
)
