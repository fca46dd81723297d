/** The files for operators, below docs/: their options exist and are allowed, and their times and sizes go together. */
import * as ServerValues from "../src/plan/ServerValues.ts"
import { definitions, environmentName, flagName, type Values } from "@pagi/core/options/ServerOptions"
import { leaveTimeout } from "@pagi/node/worker/LeaveTimeout"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"

const read = (file: string): string => readFileSync(join(import.meta.dirname, "../../../docs", file), "utf8")

/** Variables of the command that are no options of the server. */
const ofCommand = new Set(["PAGI_SECRETS", "PAGI_CONFIG", "PAGI_ENV_FILE", "PAGI_PID", "PAGI_CONTROL"])

const optionOfVariable = new Map(definitions.map(([name]) => [environmentName(name), name]))
const optionOfFlag = new Map(definitions.map(([name]) => [`--${flagName(name)}`, name]))

/** The options that variables and flags come to, read as a start would. */
const optionsOf = (given: Readonly<Record<string, string>>): Promise<Values> => {
  const options = Object.entries(given).flatMap(([source, text]) => {
    if (!/^(?:PAGI_|--)/.test(source) || ofCommand.has(source)) return []
    const name = optionOfVariable.get(source) ?? optionOfFlag.get(source)
    return [[name ?? assert.fail(`no option: ${source}`), { source, text }] as const]
  })
  return Effect.runPromise(ServerValues.resolve({ options: Object.fromEntries(options), noAccessLog: false }))
}

/** The variables of the Dockerfile, which those of a container replace. */
const ofImage = Object.fromEntries(
  Array.from(
    read("containers/Dockerfile").matchAll(/(?:^ENV|^ +)\s*([A-Z_]+)=(\S+)/gm),
    ([, name = "", value = ""]) => [name, value]
  )
)

const user = Number(/^USER (\d+):\d+$/m.exec(read("containers/Dockerfile"))?.[1])

const mebibyte = 1024 ** 2

/** Bytes that the process above the workers takes at most, as docs/bench/process.md has it, and some room. */
const supervisorMemory = 100 * mebibyte

const bytesOf = (text: string): number => {
  const [, digits, unit = ""] = /^(\d+)(Mi|MiB|Gi|GiB|G|M)$/.exec(text) ?? []
  return Number(digits) * (unit.startsWith("G") ? 1024 * mebibyte : mebibyte)
}

/** Workers have room within a limit of memory, also while one of them is replaced. */
const checkMemory = ({ maxWorkerMemory, workers }: Values, processors: string, memory: string): void => {
  assert.strictEqual(workers, "auto")
  assert.isAbove(maxWorkerMemory, 0)
  const processes = Math.ceil(Number(processors)) + 1
  assert.isAtMost(processes * maxWorkerMemory + supervisorMemory, bytesOf(memory))
}

describe("docs/containers/Dockerfile", () => {
  it("has options that are allowed, and says at which port it listens", async () => {
    const { admin, host, port } = await optionsOf(ofImage)
    assert.strictEqual(host, "0.0.0.0")
    assert.include(read("containers/Dockerfile"), `EXPOSE ${port}\n`)
    assert.deepStrictEqual(admin, { _tag: "Tcp", host: "127.0.0.1", port: 9090 })
  })

  it("has a health check that waits longer than the server may take to start, and than readiness may", async () => {
    const { bootTimeout } = await optionsOf(ofImage)
    const [, timeout, start] = /--timeout=(\d+)s --start-period=(\d+)s/.exec(read("containers/Dockerfile")) ?? []
    assert.isAbove(Number(timeout), 5)
    assert.isAbove(Number(start), Duration.toSeconds(bootTimeout))
  })

  it("says how long a container may take to stop", async () => {
    const [, seconds] = /--stop-timeout (\d+)/.exec(read("containers/Dockerfile")) ?? []
    assert.isAbove(Number(seconds) * 1000, leaveTimeout(await optionsOf(ofImage)))
  })
})

const Compose = Schema.Struct({
  services: Schema.Struct({
    app: Schema.Struct({
      environment: Schema.Record(Schema.String, Schema.String),
      ports: Schema.Array(Schema.String),
      read_only: Schema.Literal(true),
      tmpfs: Schema.Array(Schema.String),
      stop_grace_period: Schema.String,
      secrets: Schema.Array(Schema.String),
      deploy: Schema.Struct({
        resources: Schema.Struct({ limits: Schema.Struct({ cpus: Schema.String, memory: Schema.String }) })
      })
    })
  }),
  secrets: Schema.Record(Schema.String, Schema.Struct({ file: Schema.String }))
})

describe("docs/containers/compose.yaml", () => {
  const { secrets, services } = Schema.decodeUnknownSync(Compose)(Yaml.parse(read("containers/compose.yaml")))
  const { app } = services

  it("has options that are allowed, and gives them the time and the memory that they take", async () => {
    const options = await optionsOf({ ...ofImage, ...app.environment })
    assert.isAbove(Number.parseInt(app.stop_grace_period, 10) * 1000, leaveTimeout(options))
    checkMemory(options, app.deploy.resources.limits.cpus, app.deploy.resources.limits.memory)
    assert.deepStrictEqual(app.ports, [`${options.port}:${options.port}`])
  })

  it("lets the server write below /tmp alone, and has its secrets as files", () => {
    assert.deepStrictEqual(app.tmpfs, ["/tmp"])
    assert.deepStrictEqual(app.secrets, Object.keys(secrets))
    for (const name of app.secrets) assert.isTrue(optionOfVariable.has(name), name)
  })
})

const Port = Schema.Struct({ name: Schema.String, containerPort: Schema.Int })

const Probe = Schema.Struct({
  httpGet: Schema.Struct({ path: Schema.String, port: Schema.String }),
  periodSeconds: Schema.Int,
  timeoutSeconds: Schema.Int,
  failureThreshold: Schema.Int
})

const Labels = Schema.Record(Schema.String, Schema.String)
const Selector = Schema.Struct({ matchLabels: Labels })
const Resources = Schema.Struct({ cpu: Schema.String, memory: Schema.String })

const Deployment = Schema.Struct({
  apiVersion: Schema.Literal("apps/v1"),
  metadata: Schema.Struct({ name: Schema.String }),
  spec: Schema.Struct({
    selector: Selector,
    strategy: Schema.Struct({ rollingUpdate: Schema.Struct({ maxUnavailable: Schema.Literal(0) }) }),
    template: Schema.Struct({
      metadata: Schema.Struct({ labels: Labels }),
      spec: Schema.Struct({
        terminationGracePeriodSeconds: Schema.Int,
        securityContext: Schema.Struct({ runAsNonRoot: Schema.Literal(true), runAsUser: Schema.Int }),
        containers: Schema.Tuple([
          Schema.Struct({
            args: Schema.Array(Schema.String),
            ports: Schema.Array(Port),
            env: Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String })),
            resources: Schema.Struct({ requests: Resources, limits: Resources }),
            startupProbe: Probe,
            readinessProbe: Probe,
            livenessProbe: Probe,
            securityContext: Schema.Struct({
              allowPrivilegeEscalation: Schema.Literal(false),
              readOnlyRootFilesystem: Schema.Literal(true)
            }),
            volumeMounts: Schema.Array(Schema.Struct({ name: Schema.String, mountPath: Schema.String }))
          })
        ]),
        volumes: Schema.Array(Schema.Struct({ name: Schema.String }))
      })
    })
  })
})

const Service = Schema.Struct({
  spec: Schema.Struct({ selector: Labels, ports: Schema.Array(Schema.Struct({ targetPort: Schema.String })) })
})

const Budget = Schema.Struct({ spec: Schema.Struct({ maxUnavailable: Schema.Literal(1), selector: Selector }) })

const Autoscaler = Schema.Struct({
  spec: Schema.Struct({
    scaleTargetRef: Schema.Struct({ kind: Schema.Literal("Deployment"), name: Schema.String }),
    minReplicas: Schema.Int,
    maxReplicas: Schema.Int
  })
})

const Kinds = Schema.Struct({ kind: Schema.String })

describe("docs/containers/kubernetes.yaml", () => {
  const documents = new Map(
    read("containers/kubernetes.yaml")
      .split(/^---$/m)
      .map((text) => Yaml.parse(text))
      .map((document) => [Schema.decodeUnknownSync(Kinds)(document).kind, document] as const)
  )
  const deployment = Schema.decodeUnknownSync(Deployment)(documents.get("Deployment"))
  const pod = deployment.spec.template.spec
  const [container] = pod.containers
  const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]))
  const options = optionsOf({ ...ofImage, ...environment })

  it("gives a pod the time that it takes to stop, and to start", async () => {
    const { bootTimeout, drainDelay } = await options
    assert.isAbove(pod.terminationGracePeriodSeconds * 1000, leaveTimeout(await options))
    // What is told that the pod leaves takes a moment to do without it.
    assert.isAtLeast(Duration.toSeconds(drainDelay), 5)
    const { failureThreshold, periodSeconds } = container.startupProbe
    assert.isAbove(failureThreshold * periodSeconds, Duration.toSeconds(bootTimeout))
  })

  it("gives workers the memory that they may take", async () => {
    const { limits, requests } = container.resources
    checkMemory(await options, limits.cpu, limits.memory)
    assert.isAtMost(bytesOf(requests.memory), bytesOf(limits.memory))
  })

  it("asks where the admin listener answers, as long as that may take", async () => {
    const ports = new Map(container.ports.map(({ containerPort, name }) => [name, containerPort]))
    const { admin, host, port } = await options
    assert.strictEqual(host, "0.0.0.0")
    assert.deepStrictEqual(admin, { _tag: "Tcp", host: "0.0.0.0", port: ports.get("admin") ?? 0 })
    assert.strictEqual(ports.get("http"), port)
    for (const [probe, path] of [
      [container.startupProbe, "/readyz"],
      [container.readinessProbe, "/readyz"],
      [container.livenessProbe, "/livez"]
    ] as const) {
      assert.deepStrictEqual(probe.httpGet, { path, port: "admin" })
      assert.isAbove(probe.timeoutSeconds, 5)
    }
  })

  it("runs as the user of the image, and writes below /tmp alone", () => {
    assert.strictEqual(pod.securityContext.runAsUser, user)
    const mounts = new Map(container.volumeMounts.map(({ mountPath, name }) => [name, mountPath]))
    assert.deepStrictEqual([...mounts.keys()].toSorted(), pod.volumes.map(({ name }) => name).toSorted())
    assert.strictEqual(mounts.get("tmp"), "/tmp")
    assert.strictEqual(mounts.get("secrets"), environment["PAGI_SECRETS"])
  })

  it("has a service, a budget and an autoscaler for these pods", () => {
    const { labels } = deployment.spec.template.metadata
    assert.deepStrictEqual(deployment.spec.selector.matchLabels, labels)
    const service = Schema.decodeUnknownSync(Service)(documents.get("Service"))
    assert.deepStrictEqual(service.spec.selector, labels)
    assert.deepStrictEqual(
      service.spec.ports.map(({ targetPort }) => targetPort),
      ["http"]
    )
    const budget = Schema.decodeUnknownSync(Budget)(documents.get("PodDisruptionBudget"))
    assert.deepStrictEqual(budget.spec.selector.matchLabels, labels)
    const { scaleTargetRef, minReplicas } = Schema.decodeUnknownSync(Autoscaler)(
      documents.get("HorizontalPodAutoscaler")
    ).spec
    assert.strictEqual(scaleTargetRef.name, deployment.metadata.name)
    // With one pod, the budget would let none be moved, or the service be without any.
    assert.isAtLeast(minReplicas, 2)
  })
})

describe("docs/systemd/app.service", () => {
  const unit = read("systemd/app.service")
  const all = (key: string): ReadonlyArray<string> =>
    Array.from(unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm")), ([, value = ""]) => value)
  const one = (key: string): string => all(key)[0] ?? assert.fail(key)
  const environment = Object.fromEntries(
    all("Environment").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])
  )
  const flags = Object.fromEntries(
    Array.from(one("ExecStart").matchAll(/(--[a-z-]+) (\S+)/g), ([, flag = "", value = ""]) => [flag, value])
  )
  const options = optionsOf({ ...environment, ...flags })

  it("gives the server the time that it takes to start and to stop, and the memory", async () => {
    const values = await options
    assert.isAbove(Number(one("TimeoutStopSec")) * 1000, leaveTimeout(values))
    assert.isAbove(Number(one("TimeoutStartSec")), Duration.toSeconds(values.bootTimeout))
    checkMemory(values, String(Number.parseInt(one("CPUQuota"), 10) / 100), one("MemoryMax"))
  })

  it("listens where its socket does", () => {
    const [, address] = /^ListenStream=(.*)$/m.exec(read("systemd/app.socket")) ?? []
    assert.strictEqual(flags["--listen"], address)
    assert.include(flags["--admin"], `/run/${one("RuntimeDirectory")}/`)
    assert.strictEqual(environment["XDG_RUNTIME_DIR"], `/run/${one("RuntimeDirectory")}`)
  })
})
