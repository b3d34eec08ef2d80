import { Argument, Command } from 'commander';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { type Shape, shapeOf } from './completion/shape.ts';
import { zshCompletion } from './completion/zsh.ts';

const writers: Readonly<Record<string, (program: Shape) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** @param program that it completes, with all its commands at the time when it is used */
export function completionCommand(program: Command): Command {
  return new Command('completion')
    .description('print what lets a shell complete commands, options and paths')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(writers)))
    .addHelpText(
      'after',
      `
Put it where your shell reads it at its start

Examples
  bash   echo 'source <(tidemark completion bash)' >> ~/.bashrc
  zsh    echo 'source <(tidemark completion zsh)' >> ~/.zshrc      below compinit
  fish   tidemark completion fish > ~/.config/fish/completions/tidemark.fish`,
    )
    .action((shell: string) => {
      process.stdout.write(writers[shell]!(shapeOf(program)));
    });
}
