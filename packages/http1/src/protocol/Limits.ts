/** What one connection may cost. Sizes are in bytes. */
export interface Limits {
  /** Applies to the request line, the header section, the trailer section and all chunk extensions of a body, each alone. */
  readonly maxHeaderSize: number
  /** Applies to the header section and to the trailer section, each alone. */
  readonly maxHeaderCount: number
  /** 0 means that there is no limit. */
  readonly maxBodySize: number
}
