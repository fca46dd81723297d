export { program as default } from "./support/effect.ts"
