/** What whoever starts a server should know of a place where it listens, besides its address. */
export interface Place {
  readonly url: string
  readonly isTcp: boolean
  readonly isSecure: boolean
  /** Whether anybody who can connect may say by the PROXY protocol who he is. */
  readonly believesAll: boolean
}

/** A warning, where there is a reason for one. */
export const of = ({ believesAll, isSecure, isTcp, url }: Place): string | undefined => {
  if (believesAll) {
    return `${url} believes what everybody who can connect says by the PROXY protocol; set trustedProxies unless proxies alone can`
  }
  return isSecure && !isTcp
    ? `clients of ${url} must speak TLS too; a proxy in front of it usually does not`
    : undefined
}
