import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Fixed file names: the server embeds these three files, and a build of the same sources gives the same bytes, which the stale check needs.
export default defineConfig({
  plugins: [svelte()],
  publicDir: false,
  build: {
    outDir: "../src/web/dist",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    // The page's policy allows no inline script, which the polyfill would be, and there is one script only.
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: {
        entryFileNames: "assets/app.js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/app[extname]",
      },
    },
  },
});
