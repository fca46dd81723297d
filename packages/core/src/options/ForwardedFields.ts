/** The fields by which proxies tell of the clients for whom they send requests. */
import { choice, commaList, type Kind } from "./OptionKind.ts"

/** `forwarded` is that of RFC 7239; the others are those that begin with `x-forwarded-`. */
export type ForwardedField = "for" | "proto" | "host" | "port" | "prefix" | "forwarded"

/** All of them, which is the default. */
export const all: ReadonlyArray<ForwardedField> = ["for", "proto", "host", "port", "prefix", "forwarded"]

/** Some of them; on the command line with commas between them, or by several flags. */
export const kind: Kind<ReadonlyArray<ForwardedField>, ReadonlyArray<ForwardedField>> = commaList(choice(...all), 1)
