/** What the API is: its servers answer by it, its clients ask by it, and the OpenAPI document is made of it. */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"

export class Book extends Schema.Class<Book>("Book")({
  id: Schema.Int,
  title: Schema.NonEmptyString,
  year: Schema.Int
}) {}

export class BookNotFound extends Schema.TaggedError<BookNotFound>()(
  "BookNotFound",
  { id: Schema.Int },
  { httpApiStatus: 404 }
) {
  override get message(): string {
    return `there is no book ${this.id}; GET /books lists all that there are`
  }
}

export class Unauthorized extends Schema.TaggedError<Unauthorized>()(
  "Unauthorized",
  { message: Schema.String },
  { httpApiStatus: 401 }
) {}

/** Lets those through who have the librarian's token. A client has to say which token it has. */
export class Librarian extends HttpApiMiddleware.Service<Librarian>()("Librarian", {
  security: { token: HttpApiSecurity.bearer },
  error: Unauthorized,
  requiredForClient: true
}) {}

const id = { id: Schema.Int }

class Books extends HttpApiGroup.make("books")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: { title: Schema.optionalKey(Schema.String) },
      success: Schema.Array(Book)
    }).annotate(OpenApi.Summary, "All books, or those with these words in their title"),
    HttpApiEndpoint.get("export", "/export", { success: HttpApiSchema.StreamNdjson({ schema: Book }) }).annotate(
      OpenApi.Summary,
      "All books as lines of JSON, however many there are"
    ),
    HttpApiEndpoint.get("find", "/:id", { params: id, success: Book, error: BookNotFound }).annotate(
      OpenApi.Summary,
      "A book"
    ),
    HttpApiEndpoint.post("add", "/", {
      payload: Schema.Struct({ title: Schema.NonEmptyString, year: Schema.Int }),
      success: Book.pipe(HttpApiSchema.status("Created"))
    })
      .annotate(OpenApi.Summary, "Adds a book")
      .middleware(Librarian),
    HttpApiEndpoint.delete("remove", "/:id", { params: id, error: BookNotFound })
      .annotate(OpenApi.Summary, "Removes a book")
      .middleware(Librarian)
  )
  .prefix("/books") {}

export class Api extends HttpApi.make("library")
  .add(Books)
  // A request that is not as it says is answered with what is wrong in it.
  .middleware(HttpApiMiddleware.ProblemDetails)
  .annotate(OpenApi.Title, "A library") {}
