import { paraglideVitePlugin } from '@inlang/paraglide-js';
import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';

// Where `npm run dev` finds the control plane; the built dashboard is served by it instead.
const controlPlane = 'http://127.0.0.1:7300';

export default defineConfig({
  plugins: [
    tailwindcss(),
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/lib/paraglide',
      strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
    }),
    sveltekit({
      adapter: adapter({ pages: 'build', fallback: 'index.html', precompress: true }),
      // The one inline script is Kit's bootstrap: its hash is in the page's own meta tag.
      csp: {
        mode: 'hash',
        directives: {
          'default-src': ['self'],
          'script-src': ['self'],
          'style-src': ['self', 'unsafe-inline'],
          'img-src': ['self', 'data:'],
          'font-src': ['self'],
          'connect-src': ['self'],
          'object-src': ['none'],
          'base-uri': ['none'],
          'form-action': ['self'],
        },
      },
      compilerOptions: { runes: true },
    }),
  ],
  build: { assetsInlineLimit: 0 },
  // Kit's own cookie parser, not the older one that npm hoists for express.
  ssr: { noExternal: ['cookie'] },
  server: {
    proxy: { '^/serverflow\\.': { target: controlPlane, changeOrigin: true } },
  },
});
