import { Command, CommanderError } from 'commander'
import { ConfigError } from './config-error.ts'
import { SETTINGS, type Setting } from './settings.ts'
import { yesOrNo } from './texts.ts'

/** Such a flag would be refused anyway, but with its value in the message. */
function forbidFlag(env: string, args: readonly string[]): void {
  const flag = `--${env.replace('DSYS_', '').toLowerCase().replaceAll('_', '-')}`
  if (args.some((arg) => arg === flag || arg.startsWith(`${flag}=`))) {
    throw new ConfigError(`${flag} is no flag, since others can read command lines: set ${env}, or give ${flag}-file.`)
  }
}

/** The texts that the command line gives, by the names of the settings. */
export function parseFlags(args: readonly string[]): Record<string, string | undefined> {
  const command = new Command('dsys-node')
    .description('One node of the dsys reference cluster. Each flag can also be given as an environment variable.')
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  for (const setting of Object.values<Setting<unknown>>(SETTINGS)) {
    if (setting.flag === undefined) {
      forbidFlag(setting.env, args)
      continue
    }
    const preset = setting.preset === undefined ? '' : `; default ${setting.preset}`
    const value = setting.schema === yesOrNo ? '' : ' <value>'
    command.option(`--${setting.flag}${value}`, `${setting.what} (${setting.env}${preset})`)
  }
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const help = error.code === 'commander.helpDisplayed'
    throw new ConfigError(help ? command.helpInformation() : `${error.message}\nTry --help.`, help)
  }
  const options = command.opts<Record<string, string | boolean>>()
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]))
}
