import type { ByteString } from "@pagi/core/bytes/ByteString"

/** Why the machine refused something that the application wanted to send. Nothing was written then. */
export interface ResponseProblem {
  readonly reason: ResponseProblemReason
  /** A sentence for the application's author. */
  readonly message: string
  /** The name, as given, of the field that was refused. */
  readonly header?: ByteString
}

export type ResponseProblemReason =
  | "no-request"
  | "already-started"
  | "not-started"
  | "already-complete"
  | "invalid-status"
  | "invalid-header-name"
  | "invalid-header-value"
  | "invalid-content-length"
  | "body-too-long"
  | "body-too-short"
  | "trailers-not-announced"

/** Builds a problem; `header` is given when one field is to blame. */
export const responseProblem = (reason: ResponseProblemReason, message: string, header?: ByteString): ResponseProblem =>
  header === undefined ? { reason, message } : { reason, message, header }
