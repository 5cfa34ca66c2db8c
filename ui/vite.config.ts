import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The built pages are embedded in the binary (embed.go) and served from "/".
// Nothing is inlined, so that the server can send a strict content security policy.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": process.env.KISEKI_URL ?? "http://127.0.0.1:16686" } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
