import { exec } from "child_process";
const f = async (a: string): Promise<void> => { exec(a); };
f(process.argv[2] as string);
