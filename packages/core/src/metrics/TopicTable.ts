/** The metrics of topics, as long as a layer of them is in use. */
import { define } from "./MetricTable.ts"

export const topicTable = {
  published: define({
    name: "pagi.topics.published",
    type: "Counter",
    unit: "{message}",
    description: "Messages that the process has published",
    labels: {}
  }),
  delivered: define({
    name: "pagi.topics.delivered",
    type: "Counter",
    unit: "{message}",
    description: "Messages that came into the buffers of subscribers, one for each subscriber",
    labels: {}
  }),
  dropped: define({
    name: "pagi.topics.dropped",
    type: "Counter",
    unit: "{message}",
    description: "Messages that subscribers did not get, one for each subscriber; some were in a buffer before",
    labels: {
      "pagi.topics.reason":
        "`behind` when the subscriber's buffer was full, `unreadable` for what its schema does not describe"
    }
  }),
  gaps: define({
    name: "pagi.topics.gaps",
    type: "Counter",
    unit: "{gap}",
    description:
      "Times that messages were or may have been lost between processes, one for each subscriber that was told",
    labels: {
      "pagi.topics.reason":
        "`disconnected` when it was interrupted, `overloaded` when more was published than it could carry"
    }
  }),
  subscribers: define({
    name: "pagi.topics.subscribers",
    type: "Gauge",
    unit: "{subscriber}",
    description: "Who subscribes to topics in the process",
    labels: {},
    isPerProcess: true
  })
}
