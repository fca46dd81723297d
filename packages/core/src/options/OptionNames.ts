/** How the names of options are written on command lines and in environments. */

/** Those that were asked for; a start asks for each of them many times. */
const known = new Map<string, ReadonlyArray<string>>()

const words = (name: string): ReadonlyArray<string> => {
  const found = known.get(name) ?? wordsOf(name)
  known.set(name, found)
  return found
}

/** The words of an option's name; what programs call TLS has always been SSL on command lines, and the mode an env. */
const wordsOf = (name: string): ReadonlyArray<string> =>
  name
    .replace(/^tls\./, "ssl.")
    .replace(/^mode$/, "env")
    .split(/\.|(?=[A-Z])/)
    .map((word) => word.toLowerCase())

/** `--max-body-size` of `maxBodySize`, `--ssl-cert` of `tls.cert`, `--env` of `mode`. */
export const flagName = (name: string): string => words(name).join("-")

/** `PAGI_MAX_BODY_SIZE` of `maxBodySize`, `PAGI_SSL_CERT` of `tls.cert`. */
export const environmentName = (name: string): string => `PAGI_${words(name).join("_").toUpperCase()}`
