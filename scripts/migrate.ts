/**
 * Copies projects from a Keptn v1 installation into a region: `npm run migrate -- help`. It can be ended at any time and run again:
 * what is there already is not copied twice.
 */
import { copyProject, type Journey } from "./migrate/copy.ts"
import { Api } from "./migrate/http.ts"
import { type Options, readOptions } from "./migrate/options.ts"
import { Progress } from "./migrate/progress.ts"
import { Source } from "./migrate/source.ts"
import { openState } from "./migrate/state.ts"
import { Target } from "./migrate/target.ts"
import { runCommand } from "./command.ts"
import { StartError } from "./start/settings.ts"

const HELP = `npm run migrate -- --from URL --to URL [OPTIONS]

Copies projects, their services, files and events from a Keptn v1 installation into a region of a running Quarterdeck. Run it
again at any time: it goes on where it was ended, and copies what is new.

  --from URL        the API of the installation, such as https://keptn.example.com/api
  --to URL          the API of the region, such as https://eu.api.example.com/api
  --project NAME    only this project; can be given several times (all that the source has)
  --git NAME=URL    where the git repository of a project is, when the source does not tell or it is reached by another address
  --no-events       leave out the events
  --state DIR       where it is noted how far it came (.quarterdeck/migrate)

  KEPTN_API_TOKEN    the token of the installation
  QUARTERDECK_TOKEN  a token that may create projects in the region and administer them
`

/** Said at the end of every run. */
const NEVER_COPIED =
  "Not copied, because Keptn does not tell them: the values of secrets, the credentials of git remotes, the states of sequences. " +
  "Integrations register by themselves when they are pointed here."

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options === "help") process.stdout.write(HELP)
  else await run(options)
})

async function run(options: Options): Promise<void> {
  const state = openState(options)
  const progress = new Progress(process.stdout)
  const wait = (text: string) => progress.note(text)
  const journey: Journey = {
    source: new Source(new Api(options.from, options.sourceToken, wait)),
    target: new Target(new Api(options.to, options.targetToken, wait)),
    options,
    progress,
  }
  progress.begin("all projects")
  const names = options.projects.length > 0 ? options.projects : await listProjects(journey.source)
  const failed: string[] = []
  for (const [index, name] of names.entries()) {
    progress.begin(`${name} (${index + 1} of ${names.length})`)
    const { lines, failure } = await copyProject(journey, name, state.ofProject(name))
    const told = failure === null ? lines : [...lines, `failed: ${failure}`]
    progress.finish(told.map((line) => `${name}: ${line}`))
    if (failure !== null) failed.push(name)
  }
  state.close()
  progress.finish([NEVER_COPIED])
  if (failed.length > 0) throw new StartError(`Failed, run it again: ${failed.join(", ")}`)
}

async function listProjects(source: Source): Promise<string[]> {
  try {
    return await source.projectNames()
  } catch (error) {
    throw new StartError(`The projects cannot be listed: ${error instanceof Error ? error.message : String(error)}`)
  }
}
