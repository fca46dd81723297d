/** Has pages reload themselves when there is other code than that which has made them (option `reloadBrowser`). */
import type * as Event from "@pagi/core/contract/Event"
import { type Application, type Receive, type Send, wrap } from "@pagi/core/contract/PagiApp"
import type { Scope } from "@pagi/core/contract/Scope"
import { isLocal } from "@pagi/core/http/LocalName"
import { callApplication } from "@pagi/core/server/ApplicationCall"
import type { NewestCode } from "./NewestCode.ts"
import * as Page from "./Page.ts"
import * as PageHead from "./PageHead.ts"
import * as ReloadScript from "./ReloadScript.ts"
import * as ReloadStream from "./ReloadStream.ts"
import { ScriptInsertion } from "./ScriptInsertion.ts"

/**
 * An application whose pages have a script at their end, which listens to an event stream of the server. What asks for no
 * page, or under a name of anybody's, is answered as ever. Pages are asked for whole and not compressed, and are kept by
 * nobody: an old one would reload itself for ever.
 */
export const browserReload = (
  application: Application<unknown, never>,
  code: NewestCode
): Application<unknown, never> => {
  const around = (scope: Scope, receive: Receive<Event.ReceiveEvent>, send: Send<Event.SendEvent>) => {
    if (scope.type !== "http" && scope.type !== "sse") return callApplication(application, scope, receive, send)
    if (scope.path === ReloadScript.streamPath) return ReloadStream.serve(scope, receive, send, code)
    const { headers, method, rootPath } = scope
    if (scope.type === "sse" || !Page.isWanted(method, headers) || !isLocal(headers)) {
      return callApplication(application, scope, receive, send)
    }
    const { version } = code
    const insertion = new ScriptInsertion(
      send,
      (nonce) => ReloadScript.element(rootPath, version, nonce),
      method === "HEAD"
    )
    // A handler of one scope type sends events of that type, which `send` checks.
    const inserting = insertion.send as Send<Event.SendEvent>
    return callApplication(application, { ...scope, headers: PageHead.wholeRequest(headers) }, receive, inserting)
  }
  return wrap(application, around, { handles: ["http"] })
}
