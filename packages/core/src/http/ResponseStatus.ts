/** Statuses: which a response may have, and which of them have no content (RFC 9110 §15). */

/** What is wrong with the status of an interim response. 101 is none: it is the last that HTTP says (RFC 9110 §15.2.2). */
export const informationalStatusProblem = (status: number): string | undefined =>
  Number.isInteger(status) && status >= 100 && status <= 199 && status !== 101
    ? undefined
    : `${status} is not the status of an informational response`

/** What is wrong with the status of a final response. */
export const finalStatusProblem = (status: number): string | undefined =>
  Number.isInteger(status) && status >= 200 && status <= 599
    ? undefined
    : `${status} is not the status of a final response`

/** Whether responses with this status never have content (RFC 9110 §6.4.1 and §15.3.6). */
export const isWithoutContent = (status: number): boolean =>
  status < 200 || status === 204 || status === 205 || status === 304

/** Whether a response has no content, by its status or since the request was HEAD (RFC 9110 §9.3.2). */
export const isContentless = (status: number, isHead: boolean): boolean => isHead || isWithoutContent(status)
