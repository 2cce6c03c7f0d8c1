/**
 * Tells orchestrator what pi does; in permission mode "ask" it asks the human before commands and changes.
 *
 * Given per launch by `pi -e`. What happens goes to $ORCHESTRATOR_EVENTS (docs/events.md).
 * Without $ORCHESTRATOR_EVENTS it does nothing. It imports nothing of pi, so that no release of pi fails to load it, and
 * an error in it never reaches pi, but for one: a permission that cannot be asked for is refused.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

import { Asking, permit, questionTool, TEXT_LIMIT } from "./pi_questions.ts";

type Any = any;

/** First character of a message that must not be taken for a command of pi's input line. */
const LITERAL = "\u200b";
/** After this an answer with an error that did not end the run is one that pi tries again, milliseconds. */
const SETTLES_WITHIN = 150;

export default function (pi: Any): void {
	const file = process.env.ORCHESTRATOR_EVENTS;
	if (!file) return;
	const tell = (type: string, fields: object = {}): void => {
		try {
			appendFileSync(file, `${JSON.stringify({ type, at: new Date().toISOString(), ...fields })}\n`);
		} catch {
			// Telling must never be a reason to fail.
		}
	};
	const on = (name: string, handler: (event: Any, ctx: Any) => Any): void => {
		pi.on(name, (event: Any, ctx: Any) => {
			try {
				return handler(event, ctx);
			} catch {
				return undefined;
			}
		});
	};
	// Not from the start: pi installs the packages that its user configured before it loads extensions.
	process.env.PI_OFFLINE ??= "1";
	provider(pi);
	const asking = new Asking(tell);
	follow(on, tell, asking);
	on("input", (event) => {
		if (!event.text?.startsWith(LITERAL)) return undefined;
		const text = event.text.slice(LITERAL.length);
		// pi expands a template or skill that it finds at the very beginning.
		return { action: "transform", text: text.startsWith("/") ? ` ${text}` : text, images: event.images };
	});
	if (process.env.ORCHESTRATOR_PI_PERMISSION !== "ask") return;
	pi.on("tool_call", (event: Any, ctx: Any) => permit(event, ctx, asking));
	pi.registerTool(questionTool(asking));
}

/** The endpoint of this launch, so that nothing has to be written into ~/.pi. */
function provider(pi: Any): void {
	const told = process.env.ORCHESTRATOR_PI_PROVIDER;
	if (!told) return;
	try {
		const { name, config } = JSON.parse(told);
		pi.registerProvider(name, config);
	} catch {
		// Then pi says that it does not know the model.
	}
}

/** From pi's events to lines: state, usage, the last message, prompts of other extensions. */
function follow(on: Any, tell: Any, asking: Asking): void {
	let last: Any; // the model's latest answer
	let running = false;
	let trying: NodeJS.Timeout | undefined; // tells after a while, unless the run goes on before
	let tried = false; // it was told that pi tries again
	let foreign: string | undefined; // the open prompt of another extension
	let signal: AbortSignal | undefined; // of the run: a stop shows as an error of any kind in the last answer
	const counted = new Set<string>();
	const state = (word: string, text?: string): void => tell("state", text ? { state: word, text } : { state: word });
	const calm = (): void => {
		clearTimeout(trying);
		trying = undefined;
	};
	/** Tokens that are no answer in the conversation: summaries, cache warming. */
	const others = (ctx: Any): Any[] =>
		ctx.sessionManager.getEntries().filter((entry: Any) => entry.usage && !counted.has(entry.id));
	const count = (ctx: Any): void => {
		for (const entry of others(ctx)) {
			counted.add(entry.id);
			tell("usage", usage(entry.id, entry.model ?? ctx.model?.id, entry.usage, Date.parse(entry.timestamp)));
		}
	};

	on("session_start", (_event: Any, ctx: Any) => {
		for (const entry of others(ctx)) counted.add(entry.id);
		const transcript = ctx.sessionManager.getSessionFile();
		tell("hello", { agent: "pi", version: version(), session: ctx.sessionManager.getSessionId(), transcript });
		running = !ctx.isIdle();
		state(running ? "working" : "idle");
	});
	on("input", (event: Any, ctx: Any) => {
		const model = ctx.model;
		if (event.streamingBehavior || running) return;
		if (model && ctx.modelRegistry.hasConfiguredAuth?.(model) !== false) return;
		calm();
		// Credentials of the machine are found a moment later, and then the run begins.
		trying = setTimeout(() => state("failed", `not signed in: pi has no key for ${model?.name ?? "any model"}`), 500);
		trying.unref();
	});
	on("agent_start", (_event: Any, ctx: Any) => {
		calm();
		signal = ctx.signal;
		running = true;
		tried = asking.denied = false;
		state("working");
	});
	on("message_end", (event: Any, ctx: Any) => {
		const message = event.message;
		if (message.role === "assistant") {
			last = message;
			asking.denied = false;
		}
		if (!message.usage) return;
		const cut = message.stopReason === "aborted" || message.stopReason === "error";
		if (message.stopReason === "error" && !message.usage.totalTokens) return;
		const id = message.responseId ?? message.toolCallId ?? String(message.timestamp);
		const fields = usage(id, message.model ?? ctx.model?.id, message.usage, message.timestamp);
		tell("usage", cut ? { ...fields, lower_bound: true } : fields);
	});
	on("agent_end", () => {
		if (last?.stopReason !== "error" || signal?.aborted) return;
		calm();
		const reason = last.errorMessage;
		trying = setTimeout(() => {
			tried = true;
			state("retrying", reason);
		}, SETTLES_WITHIN);
		trying.unref();
	});
	on("agent_settled", (_event: Any, ctx: Any) => {
		calm();
		running = false;
		count(ctx);
		const said = text(last);
		if (said) tell("message", { role: "agent", text: said });
		if (asking.denied) state("idle", "denied");
		else if (last?.stopReason === "aborted" || signal?.aborted || tried) state("idle", "interrupted");
		else if (last?.stopReason === "error") state("failed", reason(last.errorMessage ?? "the request failed"));
		else state("done");
		tried = false;
	});
	on("session_before_compact", () => {
		calm();
		state("working", "compacts the conversation");
	});
	const compacted = (_event: Any, ctx: Any): void => {
		count(ctx);
		if (!running) state("idle");
	};
	on("session_compact", compacted);
	on("session_compact_failed", compacted);
	on("session_tree", (_event: Any, ctx: Any) => count(ctx));
	on("session_shutdown", (_event: Any, ctx: Any) => count(ctx));
	on("ui_prompt_start", (event: Any) => {
		if (asking.open) return;
		foreign = `ui-${randomBytes(6).toString("hex")}`;
		const title = event.title?.trim() || "An extension of pi asks in the pane";
		const inWords = event.kind === "input" || event.kind === "editor";
		tell("question", { id: foreign, title: title.split("\n")[0], text: title, free_text: inWords });
	});
	on("ui_prompt_end", () => {
		if (!foreign) return;
		tell("answered", { id: foreign });
		foreign = undefined;
		if (!running) state("idle");
	});
}

function usage(id: string, model: string | undefined, tokens: Any, startedAt: number): object {
	return {
		id,
		model: model ?? "",
		input: tokens.input,
		output: tokens.output,
		cache_read: tokens.cacheRead,
		cache_write: tokens.cacheWrite,
		reasoning: tokens.reasoning ?? 0,
		started_at: new Date(startedAt).toISOString(),
		// pi knows no price of a model that it got from elsewhere, and says 0.
		cost_usd: tokens.cost?.total > 0 ? tokens.cost.total : null,
	};
}

function text(message: Any): string {
	const blocks = Array.isArray(message?.content) ? message.content : [];
	const texts = blocks.filter((block: Any) => block.type === "text").map((block: Any) => block.text);
	return texts.join("\n").slice(0, TEXT_LIMIT);
}

/** Why a turn failed; a key that is no good in words that are looked for. */
function reason(error: string): string {
	return /^\W*401\b|\b401\b.*unauthorized|invalid.{0,3}api.?key|no api key|authentication failed/i.test(error)
		? `not signed in: ${error}`
		: error;
}

/** pi's version, from the package that runs. */
function version(): string | undefined {
	try {
		for (let folder = dirname(realpathSync(process.argv[1])); folder !== dirname(folder); folder = dirname(folder)) {
			try {
				const found = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
				if (found.piConfig) return found.version;
			} catch {
				// Not this folder.
			}
		}
	} catch {
		// A build without a package.
	}
	return undefined;
}
