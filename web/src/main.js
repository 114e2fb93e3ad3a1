import { mount } from "svelte";
import "uplot/dist/uPlot.min.css";
import "./app.css";
import App from "./App.svelte";
import { start } from "./lib/start.js";

mount(App, { target: document.getElementById("app") });
start();
