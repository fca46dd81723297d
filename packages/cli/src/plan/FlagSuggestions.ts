/** What messages advise about a flag that the command does not have: one of ours that is meant, or does the same. */
import * as NearNames from "./NearNames.ts"

/** Flags of other servers: the one of ours that does the same, or what to do instead. */
export const ofOthers: ReadonlyMap<string, string> = new Map([
  ["bind", "--listen"],
  ["address", "--host"],
  ["hostname", "--host"],
  ["uds", "--socket"],
  ["unix-socket", "--socket"],
  ["fd", "sockets of systemd are found by LISTEN_FDS"],
  ["backlog", "--listener-backlog"],
  ["certfile", "--ssl-cert"],
  ["ssl-certfile", "--ssl-cert"],
  ["ssl-certificate", "--ssl-cert"],
  ["tls-cert", "--ssl-cert"],
  ["keyfile", "--ssl-key"],
  ["ssl-keyfile", "--ssl-key"],
  ["ca-certs", "--ssl-ca"],
  ["ssl-ca-certs", "--ssl-ca"],
  ["cert-reqs", "--ssl-verify-client"],
  ["ssl-cert-reqs", "--ssl-verify-client"],
  ["tls", "--ssl-cert and --ssl-key turn TLS on"],
  ["https", "--ssl-cert and --ssl-key turn TLS on"],
  ["ssl", "--ssl-cert and --ssl-key turn TLS on"],
  ["watch", "--reload"],
  ["reload-dir", "--reload-include"],
  ["live-reload", "--reload-browser"],
  ["livereload", "--reload-browser"],
  ["forwarded-allow-ips", "--trusted-proxies"],
  ["proxy-headers", "--trusted-proxies"],
  ["trust-proxy", "--trusted-proxies"],
  ["script-name", "--root-path"],
  ["base-path", "--root-path"],
  ["cluster", "--workers"],
  ["processes", "--workers"],
  ["instances", "--workers"],
  ["threads", "--workers"],
  ["preload", "each of the --workers loads the application itself"],
  ["preload-app", "each of the --workers loads the application itself"],
  ["worker-class", "there is one kind of --workers"],
  ["worker-connections", "--max-connections"],
  ["limit-concurrency", "--max-connections"],
  ["limit-max-requests", "--max-requests"],
  ["limit-request-line", "--max-header-size"],
  ["limit-request-field-size", "--max-header-size"],
  ["limit-request-fields", "--max-header-count"],
  ["max-http-header-size", "--max-header-size"],
  ["body-limit", "--max-body-size"],
  ["keep-alive", "--timeout"],
  ["keep-alive-timeout", "--timeout"],
  ["timeout-keep-alive", "--timeout"],
  ["idle-timeout", "--timeout"],
  ["graceful-timeout", "--shutdown-timeout"],
  ["timeout-graceful-shutdown", "--shutdown-timeout"],
  ["shutdown-delay", "--drain-delay"],
  ["ws-max-size", "--max-ws-message-size"],
  ["ws-max-queue", "--max-receive-queue"],
  ["ws-per-message-deflate", "--per-message-deflate"],
  ["access-logfile", "--access-log"],
  ["access-logformat", "--access-log-format"],
  ["error-logfile", "messages go to standard output and standard error"],
  ["log-file", "--access-log"],
  ["log", "--access-log"],
  ["log-json", "--log-format"],
  ["verbose", "--log-level debug"],
  ["debug", "--log-level debug"],
  ["silent", "--quiet"],
  ["daemon", "--daemonize"],
  ["background", "--daemonize"],
  ["pidfile", "--pid"],
  ["uid", "--user"],
  ["gid", "--group"],
  ["mode", "--env"],
  ["environment", "--env"],
  ["h2", "--http2"],
  ["http", "--no-http2"]
])

const listed = (names: ReadonlyArray<string>): string => names.map((name) => `--${name}`).join(" or ")

/**
 * What completes "unknown flag …".
 *
 * @param flag as it was given, with its dashes
 * @param known the names of all flags, without dashes
 */
export const adviceFor = (flag: string, known: ReadonlyArray<string>): string => {
  // To one letter, every other letter is similar.
  const name = flag.startsWith("--") ? flag.slice(2) : undefined
  const other = name === undefined ? undefined : ofOthers.get(name.toLowerCase().replaceAll("_", "-"))
  if (other !== undefined) return /^--[a-z-]+(?: debug)?$/.test(other) ? `did you mean ${other}?` : other
  const similar = name === undefined ? [] : NearNames.find(name, known)
  return similar.length === 0 ? "--help lists all flags" : `did you mean ${listed(similar)}?`
}
