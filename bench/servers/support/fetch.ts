import * as Contract from "./contract.ts"

/** The answers of servers that turn a `Request` into a `Response`. */

const headers = { "content-type": Contract.contentType }

export const pieces = (): ReadableStream<Uint8Array> => {
  let remaining = Contract.pieceCount
  return new ReadableStream({
    pull(controller) {
      if (remaining === 0) return controller.close()
      remaining -= 1
      controller.enqueue(Contract.piece)
    }
  })
}

export const answer = (request: Request): Response | Promise<Response> => {
  // Without parsing the URL, as the path begins after the authority.
  const path = request.url.slice(request.url.indexOf("/", "http://".length))
  switch (path) {
    case Contract.lengthPath:
      // Clients that leave in the middle of a body are no news.
      return request.arrayBuffer().then(
        (body) => new Response(String(body.byteLength), { headers }),
        () => new Response(null, { status: 400 })
      )
    case Contract.streamPath:
      return new Response(pieces(), { headers })
    default:
      return new Response(Contract.greeting, { headers })
  }
}

export const hello = (): Response => new Response(Contract.greeting, { headers })
