/** What a command line comes to, as one process can tell it to another. */
import * as Schema from "effect/Schema"
import { Texts } from "./ServerValues.ts"

/** What is to be served, and how: all that a worker has to know. */
export const ServedPlan = Schema.Struct({
  /** The reference of an application; without one the files of the current directory are served. */
  app: Schema.NullOr(Schema.String),
  texts: Texts,
  /** Variables of files, for the application; those of its environment are not among them. */
  environment: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** Variables of folders of secrets, which the application's `Config` finds, and nobody in the environment. */
  secrets: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})

export type ServedPlan = typeof ServedPlan.Type

/** What concerns the process of the command rather than the server in it. */
export const ProcessPlan = Schema.Struct({
  daemonize: Schema.Boolean,
  pid: Schema.NullOr(Schema.String),
  user: Schema.NullOr(Schema.String),
  group: Schema.NullOr(Schema.String),
  control: Schema.NullOr(Schema.String)
})

export type ProcessPlan = typeof ProcessPlan.Type

export const ServerPlan = Schema.Struct({
  served: ServedPlan,
  process: ProcessPlan,
  /** Names of variables of files that look as if they were for the server. */
  forServer: Schema.optionalKey(Schema.Array(Schema.String))
})

export type ServerPlan = typeof ServerPlan.Type
