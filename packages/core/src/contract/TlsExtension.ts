/** What the scopes of a TLS connection tell about it, as their extension `tls`. */
export interface TlsExtension {
  /** The certificate that the server has sent, as PEM. */
  readonly serverCert: string | null
  /** The client's certificate and those above it, as PEM, the client's first. Empty without a certificate. */
  readonly clientCertChain: ReadonlyArray<string>
  /** The subject of the client's certificate as RFC 4514 writes it. */
  readonly clientCertName: string | null
  /** Why the client's certificate is not to be trusted, as one of OpenSSL's codes; null for one that is, and without. */
  readonly clientCertError: string | null
  /** As on the wire: 0x0303 for TLS 1.2, 0x0304 for TLS 1.3. */
  readonly tlsVersion: number | null
  /** As on the wire, from IANA's registry of cipher suites. */
  readonly cipherSuite: number | null
}
