export default {
  fetch(request: Request): Response {
    return new Response(request.url + "\n")
  },
  scheduled(controller: ScheduledController): void {
    console.log("cron", controller.cron)
  },
} satisfies ExportedHandler<Env>
