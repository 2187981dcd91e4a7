import { spawn } from "node:child_process";
import { statSync } from "node:fs";

const COMMAND = @COMMAND@;
const EVENTS = @EVENTS@;
// The hook's own limits are shorter; at the end of this the agent refuses the call by itself.
const PATIENCE = 3_600_000;
const MOST = 1 << 24;

// What the hook says of one event; whatever goes wrong is a refusal.
function ask(name, event, context, folder) {
  const told = {
    ...event,
    hook: name,
    sessionId: event.sessionId ?? context?.sessionId,
    sessionKey: event.sessionKey ?? context?.sessionKey,
    cwd: folder,
  };
  return new Promise((resolve) => {
    const refuse = (why) => resolve({ block: true, blockReason: `Palisade: ${why}` });
    try {
      const text = JSON.stringify(told);
      const hook = spawn(COMMAND[0], COMMAND.slice(1), {
        cwd: folder,
        stdio: ["pipe", "pipe", "pipe"],
      });
      const said = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"]) {
        hook[stream].setEncoding("utf8");
        hook[stream].on("data", (chunk) => {
          said[stream] += chunk;
          if (said[stream].length > MOST) hook.kill("SIGKILL");
        });
      }
      hook.on("error", (error) => refuse(`the hook did not start: ${error.message}`));
      hook.stdin.on("error", () => {});
      hook.on("close", (code) => {
        try {
          if (code !== 0) throw new Error(said.stderr.trim() || `it ended with ${code}`);
          const answer = JSON.parse(said.stdout);
          if (answer === null || typeof answer !== "object" || Array.isArray(answer)) {
            throw new Error("it is no object");
          }
          resolve(answer);
        } catch (error) {
          refuse(`the hook's answer cannot be read: ${error.message}`);
        }
      });
      hook.stdin.end(text);
    } catch (error) {
      refuse(`the hook was not asked: ${error.message}`);
    }
  });
}

// What relative paths of a call begin at.
function workspace(api, context) {
  try {
    const { agent, config } = api.runtime;
    const folder = agent.resolveAgentWorkspaceDir(config.current(), context?.agentId);
    if (statSync(folder).isDirectory()) return folder;
  } catch {
    // An older one has no such function.
  }
  return process.cwd();
}

export default {
  id: "palisade",
  name: "Palisade",
  description: "Asks Palisade before each call of a tool.",
  register(api) {
    for (const name of EVENTS) {
      api.on(name, (event, context) => ask(name, event, context, workspace(api, context)), {
        // After all others: what they changed of a call is not shown, but nothing is decided after this.
        priority: -1_000_000,
        timeoutMs: PATIENCE,
      });
    }
  },
};
