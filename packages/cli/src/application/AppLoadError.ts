/** Why an application cannot be loaded. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** What was thrown by a module, for those who show more of it than its message. */
export const Thrown = Schema.Struct({
  stack: Schema.optionalKey(Schema.String),
  /** Where it is, by the absolute path of a file. */
  place: Schema.optionalKey(
    Schema.Struct({ file: Schema.String, line: Schema.Number, column: Schema.optionalKey(Schema.Number) })
  )
})

export type Thrown = typeof Thrown.Type

/** There is no file at the path, or something that is no file. */
export class FileMissing extends Schema.TaggedError<FileMissing>()("FileMissing", { message: Schema.String }) {}

/** The name of the file does not end like that of a module. */
export class ExtensionUnsupported extends Schema.TaggedError<ExtensionUnsupported>()("ExtensionUnsupported", {
  extension: Schema.String
}) {
  override get message(): string {
    const found = this.extension === "" ? "the file name has no extension" : `${this.extension} files are not supported`
    return `${found}; expected .ts, .mts, .js or .mjs`
  }
}

/** What the module would import as Effect is of another major version than the server's. */
export class EffectMismatch extends Schema.TaggedError<EffectMismatch>()("EffectMismatch", {
  found: Schema.String,
  own: Schema.String
}) {
  override get message(): string {
    const needed = `npm install effect@^${this.own}`
    return `its folder has effect ${this.found}, with which this server (effect ${this.own}) cannot work; ${needed}`
  }
}

/** The module cannot be read as one, or threw while it was imported. */
export class ImportFailed extends Schema.TaggedError<ImportFailed>()("ImportFailed", {
  message: Schema.String,
  thrown: Schema.optionalKey(Thrown)
}) {}

/** The module does not export what was asked for. */
export class ExportMissing extends Schema.TaggedError<ExportMissing>()("ExportMissing", {
  exportName: Schema.String,
  available: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const wanted =
      this.exportName === "default" ? "there is no default export" : `there is no export "${this.exportName}"`
    return `${wanted}; the module exports ${this.available.length === 0 ? "nothing" : this.available.join(", ")}`
  }
}

/** What can be served, besides an Effect that yields one of them. */
const servable = "an application (PagiApp.make), a Layer that serves, an Effect that responds, or a fetch handler"

/** What the module exports, or what its Effect yields, is nothing that can be served. */
export class ExportUnusable extends Schema.TaggedError<ExportUnusable>()("ExportUnusable", {
  subject: Schema.String,
  found: Schema.String,
  /** What to do about it, where that can be told. */
  advice: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.subject} is ${this.found}; ${this.advice ?? `expected ${servable}`}`
  }
}

/** What the module exports may be one of two things. */
export class ExportAmbiguous extends Schema.TaggedError<ExportAmbiguous>()("ExportAmbiguous", {
  subject: Schema.String
}) {
  override get message(): string {
    const found = `${this.subject} is a function without parameters, which can be a fetch handler or an application`
    return `${found}; say which by PagiApp.fromFetch(handler), or by the parameters (scope, receive, send)`
  }
}

/** The Effect or Layer that yields the application failed. */
export class BuildFailed extends Schema.TaggedError<BuildFailed>()("BuildFailed", {
  subject: Schema.String,
  detail: Schema.String,
  /** Whether another try may help, as when a database is down; a defect stays one. */
  mayPass: Schema.Boolean,
  thrown: Schema.optionalKey(Thrown)
}) {
  override get message(): string {
    return `${this.subject} failed: ${this.detail}`
  }
}

/** Importing the module, or building what it exports, takes too long. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  subject: Schema.String,
  limit: Schema.Duration,
  /** Whether it has begun to serve, and may have been meant to go on for ever. */
  isServing: Schema.Boolean
}) {
  override get message(): string {
    const problem = `${this.subject} has not completed within ${Duration.format(this.limit)} (bootTimeout)`
    return this.isServing ? `${problem}, but serves; export the Layer itself in place of Layer.launch` : problem
  }
}

/** A file of it was written while it was loaded, so that it would have been a mixture of two versions. */
export class ChangedMeanwhile extends Schema.TaggedError<ChangedMeanwhile>()("ChangedMeanwhile", {
  file: Schema.String
}) {
  override get message(): string {
    return `${this.file} was changed while it was loaded`
  }
}

/** The application could not be loaded. The message is one line and says what to change. */
export class AppLoadError extends Schema.TaggedError<AppLoadError>()("AppLoadError", {
  /** The file, as it was given on the command line. */
  path: Schema.String,
  reason: Schema.Union([
    FileMissing,
    ExtensionUnsupported,
    EffectMismatch,
    ImportFailed,
    ExportMissing,
    ExportUnusable,
    ExportAmbiguous,
    BuildFailed,
    ChangedMeanwhile,
    TimedOut
  ])
}) {
  override get message(): string {
    return `cannot load ${this.path}: ${this.reason.message}`
  }

  get mayPass(): boolean {
    return this.reason._tag === "BuildFailed" && this.reason.mayPass
  }
}
