/** The response that shows an error, in the form that its client wants. */
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import * as ErrorPage from "./ErrorPage.ts"
import type { ErrorReport } from "./ErrorReport.ts"
import type * as Page from "./Page.ts"

/** A whole response. */
export interface ErrorAnswer {
  readonly status: 500
  readonly headers: HeaderBlock
  readonly content: string
}

const types: Readonly<Record<Page.Form, string>> = {
  html: "text/html; charset=utf-8",
  json: "application/json",
  text: "text/plain; charset=utf-8"
}

const contentOf = (form: Page.Form, occasion: ErrorPage.Occasion, report: ErrorReport): string => {
  switch (form) {
    case "html":
      return ErrorPage.toHtml(occasion, report)
    case "json":
      return ErrorPage.toJson(occasion, report)
    case "text":
      return ErrorPage.toText(occasion, report)
  }
}

/** Makes it; nothing on the way keeps it, since the next answer may be another one. */
export const make = (form: Page.Form, occasion: ErrorPage.Occasion, report: ErrorReport): ErrorAnswer => {
  const content = contentOf(form, occasion, report)
  return {
    status: 500,
    headers: [
      ["content-type", types[form]],
      ["content-length", String(Buffer.byteLength(content))],
      ["cache-control", "no-store"],
      ["vary", "accept"],
      ["x-content-type-options", "nosniff"],
      ["referrer-policy", "no-referrer"],
      ...(form === "html" ? [["content-security-policy", ErrorPage.policy] as const] : [])
    ],
    content
  }
}
