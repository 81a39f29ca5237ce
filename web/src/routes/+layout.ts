// One static page for every address: the control plane answers all of them with the same file.
export const ssr = false;
export const prerender = false;
