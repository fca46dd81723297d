/** What holds for an exchange whatever the version of HTTP: README.md says how to add to it. */
import { describe } from "@effect/vitest"
import { testDownloads, testUploads } from "./Backpressure.ts"
import { testBodyTime } from "./BodyTime.ts"
import { testBodySize, testContent, testEarlyAnswers, testExpectations } from "./Content.ts"
import { testContentless, testSendsBehindTheEnd } from "./Contentless.ts"
import { testDraining } from "./Draining.ts"
import { testBrokenOff, testCallbacks, testRunningOn, testUnanswered } from "./Endings.ts"
import { testFiles, testFilesUnderWay, testUnreadableFiles } from "./Files.ts"
import { testKinds } from "./Kinds.ts"
import { testLeaving, testServerEnds } from "./Peers.ts"
import { testFailedBeginnings, testReturnedPlaces } from "./Places.ts"
import { testDeadline, testLastingExchanges, testPlaces, testShedding } from "./Pressure.ts"
import { testAccessLog, testObserver } from "./Records.ts"
import { testRequestIds } from "./RequestIds.ts"
import { testLengths, testResponses, testTrailers } from "./Responses.ts"
import { testScopes } from "./Scopes.ts"
import { testStreamBytes, testStreamScopes } from "./Sse.ts"
import { testBehindStreams, testDeclinedStreams, testStreamContent } from "./SseAnswers.ts"
import { testStoppedStreams, testStreamEndings, testStreamTime } from "./SseEndings.ts"
import type { Version } from "./support/Version.ts"
import { testNoLimits, testRequestTime, testWriteTime } from "./Time.ts"
import { testTraceIds } from "./TraceIds.ts"
import { testSessionSpans, testSpans } from "./Tracing.ts"
import { testDenials, testUnansweredHandshakes } from "./WebSocketDenials.ts"
import { testHandshakes, testSessions } from "./WebSockets.ts"

const cases: Readonly<Record<string, (version: Version) => void>> = {
  "the scope of a request": testScopes,
  "the content of a request": testContent,
  "a request that expects 100 (Continue)": testExpectations,
  maxBodySize: testBodySize,
  "a response": testResponses,
  trailers: testTrailers,
  "the length that the application says": testLengths,
  "a response without content": testContentless,
  "sends to a peer that is gone": testSendsBehindTheEnd,
  "a response that is complete before its request": testEarlyAnswers,
  "a file response": testFiles,
  "a file that cannot be opened or read": testUnreadableFiles,
  "a file on its way": testFilesUnderWay,
  "backpressure inwards": testUploads,
  "backpressure outwards": testDownloads,
  "an application that does not answer": testUnanswered,
  "a response that is broken off": testBrokenOff,
  "an application's callbacks": testCallbacks,
  "applications that run on behind their response": testRunningOn,
  "a peer that leaves": testLeaving,
  "a server that ends its connections": testServerEnds,
  "a drain": testDraining,
  "limits of time": testRequestTime,
  writeTimeout: testWriteTime,
  requestDeadline: testDeadline,
  "more requests than may run": testPlaces,
  "requests that are refused because of others": testShedding,
  "what lasts among requests that count": testLastingExchanges,
  "a place is free again, after": testReturnedPlaces,
  "a place is free again, whatever fails, after": testFailedBeginnings,
  "no limits of time": testNoLimits,
  "a request body that stalls": testBodyTime,
  "the access log has a line for": testAccessLog,
  "an observer is told, in order and once, of": testObserver,
  "the kind of an exchange": testKinds,
  "the id of an exchange": testRequestIds,
  "a span": testSpans,
  "the span of what goes on for long": testSessionSpans,
  "the trace of an exchange": testTraceIds,
  "which scope a request gets": testStreamScopes,
  "the bytes of an event stream": testStreamBytes,
  "the content of a request for a stream": testStreamContent,
  "event streams that are declined": testDeclinedStreams,
  "behind event streams": testBehindStreams,
  "an event stream ends": testStreamEndings,
  "the time of an event stream": testStreamTime,
  "event streams of a server that stops": testStoppedStreams,
  "a WebSocket handshake": testHandshakes,
  "a WebSocket session": testSessions,
  "an application that denies a handshake": testDenials,
  "an application that does not answer a handshake": testUnansweredHandshakes
}

/** The tests of a driver that are about the contract, and not about its version. */
export const testDriver = (version: Version): void => {
  describe(`HTTP/${version.httpVersion}`, () => {
    for (const [name, test] of Object.entries(cases)) {
      describe(name, () => {
        test(version)
      })
    }
  })
}
