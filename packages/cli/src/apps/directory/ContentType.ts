import { getType } from "effect/http/Mime"
import * as Option from "effect/Option"
import { extname } from "node:path"

/** TypeScript, which the registry does not know: there `.ts` and `.mts` are video streams. */
const sourceCode = new Set([".ts", ".mts", ".cts", ".tsx", ".jsx"])

/** The media type of a file with this name; bytes without a meaning when the name tells nothing. */
export const ofName = (name: string): string => {
  if (sourceCode.has(extname(name).toLowerCase())) return "text/plain; charset=utf-8"
  // The lookup takes a bare word for an extension, and so a file called "html" for a page, unless a folder precedes it.
  const type = Option.getOrElse(getType(`./${name}`), () => "application/octet-stream")
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type
}
