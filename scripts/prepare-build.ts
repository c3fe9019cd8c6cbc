/** What must stand before the Worker is bundled (wrangler.toml [build]): the files of the docs page, and zod without its languages. */
import "./build/assets.ts"
import "./build/zod.ts"
