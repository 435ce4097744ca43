"use strict";

// The page is whole without this script. It opens what is folded when an address leads into it, and
// when the page is printed.
(() => {
    const openAround = (element) => {
        for (let e = element; e; e = e.parentElement) {
            if (e.tagName === "DETAILS") {
                e.open = true;
            }
        }
    };
    const toTarget = () => {
        const id = decodeURIComponent(location.hash.slice(1));
        const target = id && document.getElementById(id);
        if (target) {
            const inner = target.querySelector(":scope > details.solution");
            openAround(inner || target);
            if (!target.checkVisibility || target.closest("details")) {
                target.scrollIntoView();
            }
        }
    };
    addEventListener("hashchange", toTarget);
    toTarget();

    let opened = [];
    addEventListener("beforeprint", () => {
        opened = [...document.querySelectorAll("main details:not([open])")];
        opened.forEach((d) => { d.open = true; });
    });
    addEventListener("afterprint", () => {
        opened.forEach((d) => { d.open = false; });
        opened = [];
    });
})();
