export default {
  fetch: (request) => new Response(`packed ${request.method} ${new URL(request.url).pathname}`)
}
