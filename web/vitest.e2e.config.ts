import { defineConfig } from 'vitest/config'

// In a real browser against a real server, one after the other: they share two processors.
export default defineConfig({
  test: { include: ['tests/**/*.e2e.ts'], environment: 'node', fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 },
})
