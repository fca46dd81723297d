import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect } from "node:tls"
import { certificates, type Identity } from "../../../test/support/Certificates.ts"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

const timeout = 60_000

/** The certificate that a server sends, and the end of a request of the same connection. */
const visit = (url: string) =>
  Effect.callback<{ readonly cert: string; readonly text: string }, Error>((resume) => {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), servername: "localhost", rejectUnauthorized: false })
    let text = ""
    socket.on("data", (bytes) => (text += bytes.toString("latin1")))
    socket.on("error", (error) => resume(Effect.fail(error)))
    socket.on("end", () => resume(Effect.succeed({ cert, text })))
    let cert = ""
    socket.on("secureConnect", () => {
      cert = socket.getPeerX509Certificate()?.toString() ?? ""
      socket.write("GET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    })
  })

const makeSite = Effect.gen(function* () {
  const identities = yield* Effect.promise(certificates)
  const { cert, key } = identities.server
  const folder = yield* Site.make({ "a.txt": "some text", "server.crt": cert, "server.key": key })
  const write = (identity: Pick<Identity, "cert" | "key">): void => {
    writeFileSync(join(folder, "server.crt"), identity.cert)
    writeFileSync(join(folder, "server.key"), identity.key)
  }
  return { ...identities, folder, write }
})

describe("pagi-server with TLS", () => {
  it.live(
    "serves, and takes up new certificates when it is told to hang up",
    () =>
      Effect.gen(function* () {
        const { folder, renewed, server, write } = yield* makeSite
        const program = yield* Program.start(
          ["--port=0", "--no-access-log", "--ssl-cert=server.crt", "--ssl-key=server.key", "--ssl-reload-interval=0"],
          { cwd: folder }
        )
        const url = yield* Program.address(program)
        assert.match(url, /^https:\/\/127\.0\.0\.1:/)
        const before = yield* visit(url)
        assert.isTrue(before.cert === server.cert)
        assert.match(before.text, /^HTTP\/1\.1 200 OK.*some text$/s)

        write(renewed)
        yield* program.signal("SIGHUP")
        yield* program.line(/^new connections use the TLS certificates as they are now$/m)
        assert.isTrue((yield* visit(url)).cert === renewed.cert)

        write({ cert: "nonsense", key: "nonsense" })
        yield* program.signal("SIGHUP")
        yield* program.line(/^error: cannot use the certificate server\.crt: .*; the certificates in use stay$/m)
        assert.isTrue((yield* visit(url)).cert === renewed.cert)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "refuses files and settings that it cannot use",
    () =>
      Effect.gen(function* () {
        const { folder } = yield* makeSite
        const refuses = (line: string, args: ReadonlyArray<string>) =>
          Effect.map(Program.run(args, { cwd: folder }), (result) =>
            assert.deepStrictEqual(result, { code: 2, signal: null, stdout: "", stderr: `error: ${line}\n` })
          )
        yield* refuses("cannot use the certificate no.crt: there is no such file", [
          "--ssl-cert=no.crt",
          "--ssl-key=server.key"
        ])
        yield* refuses("option --ssl-cert is missing; expected a certificate, since TLS is set up", [
          "--ssl-key=server.key"
        ])
      }),
    timeout
  )
})
