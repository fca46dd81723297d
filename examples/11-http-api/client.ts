/**
 * A client that is made of the API: its functions are the endpoints, and what they yield and fail with is typed.
 *
 *     node examples/11-http-api/client.ts http://127.0.0.1:5000
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Api, Librarian } from "./Api.ts"

/** Endpoints with the middleware `Librarian` are asked with this token. */
const withToken = (token: string) =>
  HttpApiMiddleware.layerClient(Librarian, ({ next, request }) => next(HttpClientRequest.bearerToken(request, token)))

/** Uses every endpoint of a server, and says what came of it. */
const visit = (baseUrl: string) =>
  Effect.gen(function* () {
    const { books } = yield* HttpApiClient.make(Api, { baseUrl })
    const solaris = yield* books.add({ payload: { title: "Solaris", year: 1961 } })
    yield* Console.log(`${solaris.title} is book ${solaris.id}`)
    yield* Console.log(`${(yield* books.list({ query: { title: "the" } })).length} have "the" in their title`)
    const { title } = yield* books.find({ params: { id: solaris.id } })
    yield* Console.log(`${title} is there`)
    const all = yield* books.export()
    yield* Stream.runForEach(all, (book) => Console.log(`- ${book.title}, ${book.year}`))
    yield* books.remove({ params: { id: solaris.id } })
    yield* books.find({ params: { id: solaris.id } }).pipe(
      // Misspelt, it would not compile; left out, `error` were of all that may happen.
      Effect.catchTag("BookNotFound", (error) => Console.log(error.message))
    )
  })

const [baseUrl = "http://127.0.0.1:5000"] = process.argv.slice(2)

await Effect.runPromise(Effect.provide(visit(baseUrl), Layer.merge(withToken("open-sesame"), FetchHttpClient.layer)))
