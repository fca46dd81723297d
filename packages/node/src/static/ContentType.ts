/** The media types of files, by their names. */
import { getType } from "effect/http/Mime"
import * as Option from "effect/Option"
import { extname } from "node:path"

const text = "text/plain; charset=utf-8"

/** Types that the registry does not know, or not as browsers and people want them. */
const ownTypes: ReadonlyMap<string, string> = new Map([
  // There `.ts` and `.mts` are video streams.
  [".ts", text],
  [".mts", text],
  [".cts", text],
  [".tsx", text],
  [".jsx", text],
  // Browsers save `text/markdown` instead of showing it.
  [".md", text],
  [".markdown", text],
  [".ico", "image/vnd.microsoft.icon"],
  [".m3u8", "application/vnd.apple.mpegurl"],
  [".m4v", "video/mp4"],
  [".flac", "audio/flac"]
])

/** The media type of a file with this name; bytes without a meaning when the name tells nothing. */
export const ofName = (name: string): string => {
  const own = ownTypes.get(extname(name).toLowerCase())
  if (own !== undefined) return own
  // The lookup takes a bare word for an extension, and so a file called "html" for a page, unless a folder precedes it.
  const type = Option.getOrElse(getType(`./${name}`), () => "application/octet-stream")
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type
}
