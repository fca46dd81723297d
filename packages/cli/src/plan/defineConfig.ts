/** The type of configuration files. */
import type * as ServerOptions from "@pagi/core/options/ServerOptions"

type Options = Omit<ServerOptions.Input, "extensions" | "tls">
type Tls = NonNullable<ServerOptions.Input["tls"]>

/**
 * What `pagi.config.ts` exports: options by the names that programs use. All may also be texts as on the command line
 * (`"10MB"`, `"5s"`). A number for a duration is in seconds, as it is there.
 */
export type Config = { readonly [Name in keyof Options]?: Options[Name] | string } & {
  readonly tls?: { readonly [Name in keyof Tls]?: Tls[Name] | string }
  /** The module of the application, such as `./app.ts` or `./app.ts:name`, from the working directory. */
  readonly app?: string
  /** File that names the process to send signals to. */
  readonly pid?: string
  /** User to become when all sockets are bound; for root only. */
  readonly user?: string
  /** Group to become; without it, that of the user. */
  readonly group?: string
  /** Socket at which the server tells its status. */
  readonly control?: string
}

/** Gives a configuration its type, and returns it as it is; values are checked when the server starts. */
export const defineConfig = (config: Config): Config => config
