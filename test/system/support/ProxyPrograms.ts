/** Proxies in front of servers with workers, set up as the files of `docs/proxies` say. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { certificates } from "../../support/Certificates.ts"
import { findProgram, tellMissing } from "../../support/FindProgram.ts"
import { freePort } from "../../support/Ports.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { open } from "./Peer.ts"
import { fixture, type Program, start } from "./Programs.ts"
import { type Pool, serve } from "./SupervisorPool.ts"
import { until } from "./Until.ts"

const documents = join(import.meta.dirname, "../../../docs/proxies")

const application = fixture("proxied")

/** What of a configuration is another one in a test: each text must be there. */
export type Changes = Readonly<Record<string, string>>

const change = (text: string, changes: Changes): string => {
  let changed = text
  for (const [from, to] of Object.entries(changes)) {
    if (!changed.includes(from)) throw new Error(`the configuration has no ${JSON.stringify(from)}`)
    changed = changed.replaceAll(from, to)
  }
  return changed
}

/** How a proxy is started. */
interface Kind {
  /** Absent where it is not installed. */
  readonly path: string | undefined
  /** The file that it reads, around what is in the documents. */
  readonly wrap: (text: string, folder: string) => string
  readonly args: (folder: string, file: string) => ReadonlyArray<string>
  /** What the documents have in place of the port where clients connect, and what more there is to change. */
  readonly changes: (places: Places) => Changes
}

/** Where things are in a test. */
interface Places {
  readonly port: number
  readonly cert: string
  readonly key: string
  /** The certificate and the key in one file. */
  readonly both: string
  /** For a listener that only redirects. */
  readonly other: number
}

const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

const temporary = (folder: string): string =>
  ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join("\n")

const nginxMain = (folder: string): string => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events {}
`

const nginxArgs = (folder: string, file: string) => ["-p", folder, "-c", file, "-e", join(folder, "error.log")]

const haproxyArgs = (_folder: string, file: string) => ["-q", "-db", "-f", file]

const nginx = findProgram("nginx")
const hasStream = nginx !== undefined && existsSync(streamModule)
if (nginx !== undefined && !hasStream) tellMissing("nginx's module stream")

const haproxy = findProgram("haproxy")

const caddy = findProgram("caddy")

const haproxyChanges = ({ both, port }: Places): Changes => ({
  "/etc/ssl/example.org-with-key.pem": both,
  ":443": `127.0.0.1:${port}`
})

const caddyKind: Kind = {
  path: caddy && "/usr/bin/env",
  wrap: (text) => `{\nadmin off\nauto_https off\n}\n${text}`,
  // It keeps its state where these variables say.
  args: (folder, file) => [
    ...[`XDG_CONFIG_HOME=${folder}`, `XDG_DATA_HOME=${folder}`, caddy ?? "caddy"],
    ...["run", "--adapter", "caddyfile", "--config", file]
  ],
  changes: ({ cert, key, port }) => ({ "example.org {": `https://localhost:${port} {\n\ttls ${cert} ${key}\n` })
}

/** By the names of the files. */
const kinds = {
  "nginx.conf": {
    path: nginx,
    wrap: (text, folder) => `${nginxMain(folder)}http {\naccess_log off;\n${temporary(folder)}\n${text}}\n`,
    args: nginxArgs,
    changes: ({ cert, key, other, port }) => ({
      "/etc/ssl/example.org.pem": cert,
      "/etc/ssl/example.org.key": key,
      "example.org": "localhost",
      "listen 80": `listen 127.0.0.1:${other}`,
      "listen 443": `listen 127.0.0.1:${port}`
    })
  },
  "nginx-stream.conf": {
    path: hasStream ? nginx : undefined,
    wrap: (text, folder) => `load_module ${streamModule};\n${nginxMain(folder)}\n${text}`,
    args: nginxArgs,
    changes: ({ port }) => ({ "listen 443": `listen 127.0.0.1:${port}` })
  },
  "haproxy.cfg": { path: haproxy, wrap: (text) => text, args: haproxyArgs, changes: haproxyChanges },
  "haproxy-tcp.cfg": { path: haproxy, wrap: (text) => text, args: haproxyArgs, changes: haproxyChanges },
  Caddyfile: caddyKind,
  "Caddyfile-h2c": caddyKind
} satisfies Readonly<Record<string, Kind>>

/** A file of the documents. */
export type Configuration = keyof typeof kinds

/** Whether the program that a configuration is for is installed. */
export const isInstalled = (configuration: Configuration): boolean => kinds[configuration].path !== undefined

/** The flags of the server in the comment of a configuration. */
const flagsOf = (text: string): ReadonlyArray<string> => {
  const [, command] = /^# +pagi-server ((?:.*\\\n# )*.*) app\.ts$/m.exec(text) ?? []
  if (command === undefined) throw new Error("the configuration does not say how the server is started")
  return command.split(/\s+(?:\\\n#\s+)?/)
}

/** A server behind a proxy. */
export interface Proxied {
  readonly pool: Pool
  /** Where clients connect to the proxy, by TLS. */
  readonly port: number
  readonly proxy: Program
  /** Lines of the access log so far: client, method, target, status. */
  readonly accessLog: () => ReadonlyArray<string>
}

export interface ProxiedOptions {
  /** More of the configuration that is to be another one. */
  readonly changes?: Changes
  readonly flags?: ReadonlyArray<string>
  /** How the proxy names a Unix socket, where it is to use one. */
  readonly socket?: (path: string) => string
}

const canConnect = (port: number): Effect.Effect<boolean> =>
  Effect.scoped(Effect.match(open(port), { onSuccess: () => true, onFailure: () => false }))

/** Starts a server as the comment of a configuration says, with two workers, and the proxy in front of it. */
export const startBehind = (
  configuration: Configuration,
  { changes = {}, flags = [], socket }: ProxiedOptions = {}
): Effect.Effect<Proxied, never, Scope.Scope> =>
  Effect.gen(function* () {
    const kind: Kind = kinds[configuration]
    const folder = yield* temporaryFolder
    const { server: identity } = yield* Effect.promise(certificates)
    const both = join(folder, "both.pem")
    writeFileSync(both, identity.cert + identity.key)
    const [port, other] = [yield* freePort, yield* freePort]
    const places = { port, other, both, cert: identity.certPath, key: identity.keyPath }
    const document = change(readFileSync(join(documents, configuration), "utf8"), {
      ...kind.changes(places),
      ...changes
    })
    const path = join(folder, "app.sock")
    const listen = `--listen=127.0.0.1:0${socket === undefined ? "" : ` --listen=${path} --socket-mode=0666`}`
    const own = change(flagsOf(document).join(" "), {
      "--port 5000": listen,
      ...(socket === undefined ? {} : { "--trusted-proxies 127.0.0.1": "--trusted-proxies unix" })
    })
      .replace("/etc/ssl/example.org.pem", identity.certPath)
      .replace("/etc/ssl/example.org.key", identity.keyPath)
    const log = join(folder, "access.log")
    const pool = yield* serve({
      application,
      accessLog: log,
      flags: [...own.split(" "), "--access-log-format=%h %m %U %s", ...flags]
    })
    const file = join(folder, "proxy.conf")
    const place = socket === undefined ? `127.0.0.1:${pool.port}` : socket(path)
    writeFileSync(file, kind.wrap(change(document, { "127.0.0.1:5000": place }), folder))
    const proxy = yield* start(kind.path ?? configuration, kind.args(folder, file), folder)
    yield* until(
      `the proxy of ${configuration} listens`,
      Effect.gen(function* () {
        if (yield* proxy.hasEnded) return yield* Effect.die(new Error(proxy.output()))
        return yield* canConnect(port)
      })
    )
    return {
      pool,
      port,
      proxy,
      accessLog: () => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [])
    }
  })
