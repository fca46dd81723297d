/**
 * An API by Effect's HttpApi: endpoints as Schemas, of which the server, the client and the documentation are made.
 *
 *     npx pagi-server examples/11-http-api/app.ts
 *     curl http://127.0.0.1:5000/books
 *     curl -i http://127.0.0.1:5000/books/7
 *     curl -i http://127.0.0.1:5000/books -H 'Authorization: Bearer open-sesame' --json '{"title":"Solaris","year":1961}'
 *     open http://127.0.0.1:5000/docs
 *     node examples/11-http-api/client.ts http://127.0.0.1:5000
 *
 * - `Api.ts`: what the API is, which servers and clients share
 * - `Library.ts`: what answers
 * - `client.ts`: a client
 *
 * `/openapi.json` is the document for other tools. The page at `/docs` has all that it needs in itself.
 */
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { Api } from "./Api.ts"
import { Library } from "./Library.ts"

const routes = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide(Library),
  Layer.provide(HttpApiMiddleware.layerProblemDetails({ includeDetails: true }))
)

/** Without its own fonts, which it would load from elsewhere. */
const docs = HttpApiScalar.layer(Api, { path: "/docs", scalar: { withDefaultFonts: false } })

// The server says where it listens, and logs requests.
export default HttpRouter.serve(Layer.merge(routes, docs), { disableListenLog: true, disableLogger: true })
