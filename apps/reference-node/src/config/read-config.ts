import type { z } from 'zod'
import { readCredentials } from '../credentials.ts'
import { otherTransportProblems } from '../other-transport.ts'
import { ConfigError } from './config-error.ts'
import { parseFlags } from './flags.ts'
import { relationProblems } from './relations.ts'
import { type NodeConfig, type NodeSettings, SETTINGS, type Setting } from './settings.ts'

/** @throws ConfigError with every problem in its message. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): NodeConfig {
  const flags = parseFlags(args)
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const text = flags[name] ?? (env[setting.env] || undefined) ?? setting.preset
    if (text === undefined) {
      problems.push(`${shownName(setting)} is missing: ${setting.what}`)
      continue
    }
    const result = setting.schema.safeParse(text)
    if (result.success) values[name] = result.data
    else {
      const shown = setting.secret ? 'not right' : JSON.stringify(text)
      problems.push(`${shownName(setting)} is ${shown}: ${whyNot(result.error)}`)
    }
  }
  const settings = values as unknown as NodeSettings
  if (problems.length === 0) problems.push(...otherTransportProblems(settings))
  const config =
    problems.length > 0 ? (settings as NodeConfig) : { ...settings, ...readCredentials(settings, problems) }
  if (problems.length === 0) problems.push(...relationProblems(config))
  if (problems.length > 0)
    throw new ConfigError(`This node cannot start:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  return config
}

const shownName = ({ flag, env }: Setting<unknown>): string => (flag === undefined ? env : `--${flag} (or ${env})`)

const whyNot = (error: z.ZodError): string => error.issues.map((issue) => issue.message).join(', ')
