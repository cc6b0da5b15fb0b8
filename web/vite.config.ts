import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

/** Writes `.br` and `.gz` beside every file: the server passes on what is packed best. */
function packed(): Plugin {
  return {
    name: 'packed',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const [fileName, file] of Object.entries(bundle)) {
          const source = Buffer.from(file.type === 'chunk' ? file.code : file.source)
          const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: source.length }
          this.emitFile({ type: 'asset', fileName: `${fileName}.br`, source: brotliCompressSync(source, { params }) })
          this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source: gzipSync(source, { level: 9 }) })
        }
      },
    },
  }
}

// Where `npm run dev` sends what is not the page's own: a server with `HTTP_ADDRESS 127.0.0.1`.
const server = process.env.MALTRAIL_SERVER ?? 'http://127.0.0.1:8338'
const paths = ['/api', '/login', '/logout', '/whoami', '/check', '/events', '/counts', '/geo', '/meta', '/live', '/trails', '/ping']

export default defineConfig({
  base: './',
  build: {
    outDir: 'dist/page',
    emptyOutDir: true,
    target: 'es2023',
    // Nothing inline: the server's policy for contents forbids it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  worker: { format: 'es' },
  server: {
    proxy: Object.fromEntries(paths.map((path) => [path, { target: server, changeOrigin: true, headers: { origin: server } }])),
  },
  plugins: [packed()],
})
