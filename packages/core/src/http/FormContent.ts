/** The stream that Node makes of a form, which is the content of requests and responses of the Fetch standard. */

/** What Node begins the boundary with that it writes a `FormData` by. */
const writtenByNode = /^multipart\/form-data; ?boundary=-+formdata-undici-/i

/**
 * Whether content of this type is a form's stream, which must not be cancelled: Node makes the next piece ahead, and where
 * the stream has ended meanwhile it rejects a promise that nobody can reach, which ends the process. A form that nobody
 * refers to any more holds nothing open.
 */
export const isFormContent = (contentType: string | null | undefined): boolean =>
  typeof contentType === "string" && writtenByNode.test(contentType)
