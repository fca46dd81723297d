/** What a header of the PROXY protocol says, and what can be wrong with one. */
import type { Address } from "@pagi/core/contract/Address"

/** What a proxy says in front of everything else about the connection that it has accepted from a client. */
export interface Header {
  /** How many bytes it takes; what follows is the client's. */
  readonly length: number
  /** Absent where the proxy speaks for itself, or says nothing: the addresses of its connection hold. */
  readonly proxied: Proxied | undefined
}

/** A client's connection to its proxy. */
export interface Proxied {
  /** The client; absent when it has come by a Unix socket. */
  readonly client: Address | undefined
  /** Where it has connected to; absent for a Unix socket without a path. */
  readonly server: Address | undefined
  /** Whether the client speaks TLS with the proxy. */
  readonly secure: boolean
  /** Whether it has shown a certificate to the proxy, on this connection or in the session that this one resumes. */
  readonly hasCertificate: boolean
  /** What client and proxy have agreed on by ALPN; absent when not told. */
  readonly alpn: string | undefined
  /** The host that the client has asked the proxy for, by SNI; absent when not told. */
  readonly authority: string | undefined
}

/**
 * Why something is no header: it does not begin like one, breaks a rule, is longer than allowed, or its checksum is another
 * one.
 */
export type HeaderProblem = "proxy-missing" | "proxy-malformed" | "proxy-too-long" | "proxy-checksum"

/** A header, what is wrong, or nothing while more has to come. */
export type Reading = Header | HeaderProblem | undefined
