/**
 * Questions to the human: in pi's own dialogs and by a file, whichever is answered first.
 *
 * Answers by file are lines {"id", "choice", "text"} of $ORCHESTRATOR_PI_ANSWERS; `choice` holds keys with commas.
 */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, unwatchFile, watch, watchFile } from "node:fs";

type Any = any;
type Answer = { choice: string; text: string };
/** Asks in the pane; undefined when the human leaves the dialog, or `signal` takes it away. */
type Show = (signal: AbortSignal) => Promise<Answer | undefined>;

const READS = new Set(["read", "grep", "find", "ls", "ask_user"]);
const CHANGES = new Set(["write", "edit"]);
export const TEXT_LIMIT = 16000;
const SHOWN_LINES = 30;

/** Questions of ours: one at a time, in the pane and through the file of answers. */
export class Asking {
	open = false;
	/** The human said no, and the turn ends with that. */
	denied = false;
	readonly always = new Set<string>();
	private before: Promise<unknown> = Promise.resolve();

	constructor(private readonly tell: Any) {}

	/** Waits for its turn: calls of one answer run side by side. */
	next<T>(work: () => Promise<T>): Promise<T> {
		const mine = this.before.then(work, work);
		this.before = mine.catch(() => undefined);
		return mine;
	}

	/** The answer; undefined when the human left the dialog, or the turn was interrupted. */
	async ask(ctx: Any, question: object, show: Show): Promise<Answer | undefined> {
		const id = `pi-${randomBytes(6).toString("hex")}`;
		const closed = new AbortController();
		const signal = ctx.signal ? AbortSignal.any([ctx.signal, closed.signal]) : closed.signal;
		this.open = true;
		try {
			const inPane = show(signal);
			const byFile = answers(id, closed.signal);
			this.tell("question", { id, ...question });
			return await Promise.race([inPane, byFile]);
		} finally {
			closed.abort();
			this.open = false;
			this.tell("answered", { id });
		}
	}
}

/** The answer to the question ``id`` that is appended to the file. */
function answers(id: string, signal: AbortSignal): Promise<Answer> {
	const file = process.env.ORCHESTRATOR_PI_ANSWERS;
	return new Promise((resolve) => {
		if (!file) return;
		const read = (): void => {
			try {
				for (const line of readFileSync(file, "utf8").split("\n")) {
					if (!line.includes(id)) continue;
					const answer = JSON.parse(line);
					if (answer.id === id) resolve({ choice: String(answer.choice ?? ""), text: String(answer.text ?? "") });
				}
			} catch {
				// A torn line is whole at the next look.
			}
		};
		try {
			closeSync(openSync(file, "a", 0o600));
			// watchFile polls: it finds what file systems without notifications keep to themselves.
			watchFile(file, { interval: 500, persistent: false }, read);
			signal.addEventListener("abort", () => unwatchFile(file, read), { once: true });
			watch(file, { signal, persistent: false }, read).on("error", () => undefined);
		} catch {
			// Then it is answered in the pane.
		}
		read();
	});
}

/** Ask before a tool call; a plain no ends the turn, a no with words goes on with them. */
export async function permit(event: Any, ctx: Any, asking: Asking): Promise<Any> {
	try {
		if (READS.has(event.toolName)) return undefined;
		return await asking.next(() => decide(event, ctx, asking));
	} catch (error) {
		return { block: true, reason: `The permission could not be asked for: ${error}` };
	}
}

async function decide(event: Any, ctx: Any, asking: Asking): Promise<Any> {
	const { toolName: tool, input = {} } = event;
	const command = typeof input.command === "string" ? input.command : undefined;
	const path = typeof input.path === "string" ? input.path : undefined;
	const kind = CHANGES.has(tool) ? "changes" : command === undefined ? tool : `${tool}\0${command}`;
	if (asking.always.has(kind)) return undefined;
	if (asking.denied || ctx.signal?.aborted) {
		return { block: true, reason: "The user stopped this turn.", terminate: true };
	}
	if (!ctx.hasUI) return { block: true, reason: "There is nobody to ask for permission." };
	const what = command ?? path ?? JSON.stringify(input);
	const scope = CHANGES.has(tool) ? "changes of files" : command === undefined ? `the tool ${tool}` : "this command";
	const labels = ["Yes", `Always ${scope}, while pi runs`, "No"];
	const question = {
		kind: "permission",
		title: `${tool}: ${what.split("\n")[0]}`.slice(0, 120),
		text: body(tool, input, what).slice(0, TEXT_LIMIT),
		options: labels.map((label, index) => ({ key: String(index + 1), label })),
		command,
		path,
	};
	const answer = await asking.ask(ctx, question, async (signal) => {
		const chosen = await ctx.ui.select(`Allow ${tool}?\n\n${shown(what)}`, labels, { signal });
		return chosen === undefined ? undefined : { choice: String(labels.indexOf(chosen) + 1), text: "" };
	});
	if (answer?.choice === "2") asking.always.add(kind);
	if (answer?.choice === "1" || answer?.choice === "2") return undefined;
	if (answer?.text) return { block: true, reason: `The user said no: ${answer.text}` };
	if (answer === undefined) ctx.abort();
	asking.denied = answer !== undefined;
	return { block: true, reason: "The user said no.", terminate: true };
}

/** What is asked for, all of it. */
function body(tool: string, input: Any, what: string): string {
	const lines = [what];
	const marked = (mark: string, value: unknown): void => {
		for (const line of String(value ?? "").split("\n")) lines.push(`${mark} ${line}`);
	};
	if (tool === "write") marked("+", input.content);
	if (tool === "edit") {
		for (const change of Array.isArray(input.edits) ? input.edits : [input]) {
			marked("-", change.oldText);
			marked("+", change.newText);
		}
	}
	return lines.join("\n");
}

function shown(what: string): string {
	const lines = what.split("\n");
	if (lines.length <= SHOWN_LINES) return what;
	return [...lines.slice(0, SHOWN_LINES), `… and ${lines.length - SHOWN_LINES} more lines`].join("\n");
}

export function questionTool(asking: Asking): Any {
	const texts = { label: { type: "string" }, description: { type: "string" } };
	const option = { type: "object", properties: texts, required: ["label"] };
	return {
		name: "ask_user",
		label: "Ask the user",
		description: "Ask the user one question and wait for the answer. Use it when you cannot decide without them.",
		promptSnippet: "Ask the user a question with options",
		executionMode: "sequential",
		parameters: {
			type: "object",
			properties: {
				question: { type: "string" },
				options: { type: "array", items: option, description: "What they can choose from; none for an answer in words" },
				multiple: { type: "boolean", description: "Several options may be chosen" },
			},
			required: ["question"],
		},
		execute: async (_call: string, given: Any, _signal: Any, _update: Any, ctx: Any) => {
			const said = ctx.hasUI ? await asking.next(() => inWords(given, ctx, asking)) : "There is nobody to ask.";
			return { content: [{ type: "text", text: said }], details: undefined };
		},
	};
}

async function inWords(given: Any, ctx: Any, asking: Asking): Promise<string> {
	const options: Any[] = given.options ?? [];
	const many = given.multiple === true;
	const question = {
		kind: "question",
		title: given.question.split("\n")[0],
		text: given.question,
		options: options.map((option, index) => ({ key: String(index + 1), label: option.label, detail: option.description })),
		multiple: many,
		free_text: true,
	};
	const answer = await asking.ask(ctx, question, (signal) => select(given.question, options, many, ctx.ui, signal));
	if (answer === undefined) {
		ctx.abort();
		return "The user left the question unanswered.";
	}
	const chosen = answer.choice.split(",").map((key) => options[Number(key) - 1]?.label).filter(Boolean);
	const words = answer.text ? [`in words: ${answer.text}`] : [];
	return `The user's answer: ${[...chosen, ...words].join(", ")}`;
}

/** The question in the pane, in pi's own selector, which takes one option: several are ticked one after another. */
async function select(title: string, options: Any[], many: boolean, ui: Any, signal: AbortSignal): ReturnType<Show> {
	const ticked = new Set<number>();
	const words = "Answer in words";
	while (options.length) {
		const box = (index: number): string => (many ? `[${ticked.has(index) ? "x" : " "}] ` : "");
		const detail = (option: Any): string => (option.description ? ` — ${option.description}` : "");
		const lines = options.map((option, index) => `${index + 1}. ${box(index)}${option.label}${detail(option)}`);
		const chosen = await ui.select(title, [...lines, ...(many ? ["Done"] : []), words], { signal });
		if (chosen === undefined) return undefined;
		if (chosen === words) break;
		const index = lines.indexOf(chosen);
		const keys = [...ticked].sort((one, other) => one - other).map((number) => number + 1);
		if (!many || index < 0) return { choice: many ? keys.join(",") : String(index + 1), text: "" };
		if (!ticked.delete(index)) ticked.add(index);
	}
	const text = await ui.input(title, undefined, { signal });
	return text === undefined ? undefined : { choice: "", text };
}
