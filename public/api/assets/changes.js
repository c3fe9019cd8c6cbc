/**
 * What is changed in Swagger UI: a plugin, and what its elements lack for those who do not see them. docs.js starts Swagger UI with it.
 */

/** The operation whose button was last used. */
let executed = null

addEventListener("click", ({ target }) => {
  if (target.matches(".execute")) executed = target.closest(".opblock")
})

const none = () => null

globalThis.swaggerUiChanges = (system) => ({
  components: {
    // The bar has the one place for a token.
    authorizeBtn: none,
    AuthorizeBtnContainer: none,
    authorizeOperationBtn: none,
    // With the variable of the tour in the token's place: what is on the screen, or copied from it, gives no token away.
    curl({ request }) {
      const { createElement } = system.React
      const header = ["headers", "x-token"]
      const shown = request.hasIn(header) ? request.setIn(header, "$TOKEN") : request
      const text = system.fn.requestSnippetGenerator_curl_bash(shown).replace("'x-token: $TOKEN'", '"x-token: $TOKEN"')
      return createElement(
        "div",
        { className: "curl-command" },
        createElement("h4", null, shown === request ? "Curl" : "Curl, with the token in the variable TOKEN"),
        createElement(
          "div",
          { className: "copy-to-clipboard" },
          createElement("button", {
            type: "button",
            title: "Copy to clipboard",
            "aria-label": "Copy to clipboard",
            onClick: () => navigator.clipboard.writeText(text),
          }),
        ),
        createElement(
          "div",
          null,
          createElement(
            system.getComponent("SyntaxHighlighter", true),
            {
              language: "bash",
              className: "curl microlight",
              renderPlainText: ({ children, PlainTextViewer }) =>
                createElement(PlainTextViewer, { className: "curl" }, children),
            },
            text,
          ),
        ),
      )
    },
  },
  wrapComponents: {
    // A link cannot stand in a button: the path in it becomes text, and the link to the operation gets a place of its own.
    OperationSummaryPath: (Original) =>
      class extends Original {
        render() {
          const path = super.render()
          return system.React.cloneElement(path, null, path.props.children.props.text)
        }
      },
    OperationSummary: (Original) =>
      class extends Original {
        render() {
          const { createElement, cloneElement } = system.React
          const summary = super.render()
          const { method, path, tag, operationId } = this.props.operationProps.toObject()
          const link = createElement(
            "a",
            {
              key: "link",
              className: "permalink",
              href: `#/${[tag, operationId].map(encodeURIComponent).join("/")}`,
              title: "Link to this operation",
              "aria-label": `Link to ${method.toUpperCase()} ${path}`,
            },
            "#",
          )
          return cloneElement(summary, null, ...summary.props.children.toSpliced(-1, 0, link))
        }
      },
    // Bytes are offered as a file, under the last name in the address: shown as a picture, the policy would forbid them.
    responseBody: (Original) => (props) => {
      const { content, url, contentType, headers } = props
      const plain = /jsonl/.test(contentType) ? "text/plain" : contentType
      if (!(content instanceof Blob)) return system.React.createElement(Original, { ...props, contentType: plain })
      const name = new URL(url, location.href).pathname.split(/\/|%2F/i).at(-1)
      return system.React.createElement(Original, {
        ...props,
        contentType: "application/octet-stream",
        headers: { "content-disposition": `attachment; filename*=UTF-8''${name}`, ...headers },
      })
    },
  },
  statePlugins: {
    spec: {
      wrapActions: {
        setResponse: (original) => (path, method, answer) => {
          const isLost = answer.err?.message.startsWith("**Failed to fetch")
          if (isLost) answer.err.message = "No answer: this host is out of reach."
          original(path, method, answer)
          // The button "Execute" made place for "loading", and a new one comes: it gets the focus that the old one had.
          setTimeout(() => {
            if (document.activeElement === document.body) executed?.querySelector(".execute")?.focus()
          })
        },
      },
    },
    layout: {
      actions: {
        // As its action "show", which makes a new entry of the history each time and so ends the way forward.
        reveal: (thing) => ({ type: "layout_show", payload: { thing, shown: true } }),
        /** Opens the operation that a link names, and scrolls to it. */
        parseDeepLinkHash:
          (hash) =>
          ({ layoutActions, layoutSelectors }) => {
            const parts = hash.replace(/^#!?\/?/, "").split("/")
            const key = layoutSelectors.isShownKeyFromUrlHashArray(parts)
            if (parts[0] === "" || key.length === 0) return
            if (key[0] === "operations") layoutActions.reveal(layoutSelectors.isShownKeyFromUrlHashArray([key[1]]))
            layoutActions.reveal(key)
            layoutActions.scrollTo(key)
            layoutActions.scrollToVirtualizedOperation?.(key)
          },
      },
      wrapActions: {
        // It is also told of operations that leave, with null in the place of their elements.
        readyToScroll: (original) => (key, place) => place && original(key, place),
      },
    },
  },
})

/* What elements lack: names, roles, the levels of headings below that of the document, and a way into what is scrolled. */

const LACKING = {
  ".information-container": { role: "region", "aria-label": "About the document" },
  ".scheme-container": { role: "region", "aria-label": "Servers" },
  "#servers": { "aria-label": "Server" },
  "h3.opblock-tag": { "aria-level": 2 },
  h4: { "aria-level": 3 },
  h5: { "aria-level": 4 },
  ".scheme-container h4": { "aria-level": 2 },
  // Swagger UI makes regions of them, all of the same name.
  "table[role=region]": { role: "table" },
  ".json-schema-2020-12-accordion__children:empty": { role: "img", "aria-label": "Schema" },
  pre: { tabindex: 0 },
}

/** What a field is called: as the parameter, the property or the variable whose row it stands in, or as all that is sent. */
function nameOf(field) {
  if (field.matches(".examples-select-element")) return "Examples"
  const { paramName, propertyName } = field.closest("tr")?.dataset ?? {}
  return field.dataset.variable ?? paramName ?? propertyName ?? "Request body"
}

function addLacking(docs) {
  for (const [selector, attributes] of Object.entries(LACKING)) {
    for (const element of docs.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
    }
  }
  for (const field of docs.querySelectorAll(":is(input, select, textarea):not([aria-label])")) {
    if (field.labels.length === 0) field.setAttribute("aria-label", nameOf(field))
  }
}

const docs = document.getElementById("docs")
new MutationObserver(() => addLacking(docs)).observe(docs, { childList: true, subtree: true })
