// What the viewer is told before it starts: where its files, its pages and this case's images are. Nothing else is
// reachable from it: no other server, no study list, no upload, no settings by URL.
"use strict";

(() => {
  const { assets, pages, images } = document.currentScript.dataset;

  const NARROW = 900; // pixels

  window.PUBLIC_URL = assets;
  window.browserImportFunction = (name) => import(name);
  window.config = {
    routerBasename: pages,
    extensions: [],
    modes: [],
    modesConfiguration: {
      // Beside other columns the picture gets the room; the list of studies is one press away.
      "@ohif/mode-longitudinal": {
        routes: { 0: { layoutInstance: { props: { leftPanelClosed: { $set: window.innerWidth < NARROW } } } } },
      },
    },
    customizationService: [{ "ohif.tours": { $set: [] } }],
    showStudyList: false,
    showLoadingIndicator: true,
    showWarningMessageForCrossOrigin: false,
    showCPUFallbackMessage: true,
    strictZSpacingForVolumeViewport: true,
    investigationalUseDialog: { option: "never" }, // our page says it, always
    showErrorDetails: "dev",
    maxNumberOfWebWorkers: 3,
    maxNumRequests: { interaction: 20, thumbnail: 4, prefetch: 8 },
    whiteLabeling: { createLogoComponentFn: (React) => React.createElement("span") },
    defaultDataSourceName: "case",
    dataSources: [
      {
        namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
        sourceName: "case",
        configuration: {
          friendlyName: "This case",
          name: "case",
          qidoRoot: images,
          wadoRoot: images,
          wadoUriRoot: images,
          imageRendering: "wadors",
          thumbnailRendering: "wadors",
          enableStudyLazyLoad: true,
          supportsFuzzyMatching: false,
          supportsWildcard: false,
          supportsReject: false,
          dicomUploadEnabled: false,
          qidoSupportsIncludeField: false,
          omitQuotationForMultipartRequest: true,
          singlepart: "bulkdata",
          bulkDataURI: { enabled: true, relativeResolution: "studies" },
        },
      },
    ],
    httpErrorHandler: (error) => console.warn("The images answered", error && error.status),
  };
})();
