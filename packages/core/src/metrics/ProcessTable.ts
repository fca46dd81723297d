/** The metrics of a process: its event loop, garbage collections, memory, processor time and descriptors. */
import { define, type MetricRow } from "./MetricTable.ts"

/** What a process under Node has; `packages/node/src/metrics/ProcessMetrics.ts` reads the values. */
export const processTable = {
  loopDelayMean: define({
    name: "nodejs.eventloop.delay.mean",
    type: "Gauge",
    unit: "s",
    description: "How late the event loop was, on average of ten seconds",
    labels: {},
    isPerProcess: true
  }),
  loopDelayP50: define({
    name: "nodejs.eventloop.delay.p50",
    type: "Gauge",
    unit: "s",
    description: "How late the event loop was at most in half of all looks, of ten seconds",
    labels: {},
    isPerProcess: true
  }),
  loopDelayP99: define({
    name: "nodejs.eventloop.delay.p99",
    type: "Gauge",
    unit: "s",
    description: "How late the event loop was at most in 99 of 100 looks, in the last ten to twenty seconds",
    labels: {},
    isPerProcess: true
  }),
  loopDelayMax: define({
    name: "nodejs.eventloop.delay.max",
    type: "Gauge",
    unit: "s",
    description: "How late the event loop was at most in the last ten to twenty seconds",
    labels: {},
    isPerProcess: true
  }),
  loopUtilization: define({
    name: "nodejs.eventloop.utilization",
    type: "Gauge",
    unit: "1",
    description: "The part of the last ten to twenty seconds for which the event loop was busy",
    labels: {},
    isPerProcess: true
  }),
  loopTime: define({
    name: "nodejs.eventloop.time",
    type: "Counter",
    unit: "s",
    description: "Time for which the event loop was busy, and for which it waited",
    labels: { "nodejs.eventloop.state": "`active` or `idle`" }
  }),
  collections: define({
    name: "v8js.gc.duration",
    type: "Histogram",
    unit: "s",
    description: "How long garbage collections took",
    labels: { "v8js.gc.type": "`major`, `minor`, `incremental` or `weakcb`" },
    boundaries: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
  }),
  heapLimit: define({
    name: "v8js.memory.heap.limit",
    type: "Gauge",
    unit: "By",
    description: "How large the heap may become",
    labels: {},
    isPerProcess: true
  }),
  heapUsed: define({
    name: "v8js.memory.heap.used",
    type: "Gauge",
    unit: "By",
    description: "How much of the heap is used",
    labels: {},
    isPerProcess: true
  }),
  memory: define({
    name: "process.memory.usage",
    prometheus: "process_resident_memory_bytes",
    type: "Gauge",
    unit: "By",
    description: "Memory of the process that is not paged out",
    labels: {},
    isPerProcess: true
  }),
  cpuTime: define({
    name: "process.cpu.time",
    type: "Counter",
    unit: "s",
    description: "Time for which processors have worked for the process",
    labels: { "cpu.mode": "`user` or `system`" }
  }),
  descriptors: define({
    name: "process.unix.file_descriptor.count",
    prometheus: "process_open_fds",
    type: "Gauge",
    unit: "{file_descriptor}",
    description: "Open file descriptors; absent where the system does not list them",
    labels: {},
    isPerProcess: true
  }),
  descriptorLimit: define({
    name: "process.unix.file_descriptor.limit",
    prometheus: "process_max_fds",
    type: "Gauge",
    unit: "{file_descriptor}",
    description: "How many file descriptors may be open; absent where the system does not tell",
    labels: {},
    isPerProcess: true
  }),
  lostMessages: define({
    name: "pagi.process.messages.lost",
    type: "Counter",
    unit: "{message}",
    description: "Messages of the command that were lost: nobody read them, the reader had gone, or the disk was full",
    labels: { output: "`stdout` or `stderr`" }
  }),
  uptime: define({
    name: "process.uptime",
    type: "Gauge",
    unit: "s",
    description: "Time since the process was started",
    labels: {},
    isPerProcess: true
  })
} as const satisfies Readonly<Record<string, MetricRow>>
